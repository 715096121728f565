import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { gone, lives } from '../../testing/process-lives.ts';
import type { ProcessSpec } from './process-spec.ts';
import { closeSpawners, runProcess, spawnerPids } from './run-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-spawner-'));
after(async () => {
  await closeSpawners();
  rmSync(folder, { recursive: true });
});

const spec: ProcessSpec = {
  program: '/bin/sh',
  args: ['-c', 'trap "" TERM; sleep 600 & echo $$ $! >&2; wait; sleep 600'],
  env: { PATH: '/usr/bin:/bin' },
  cwd: '/',
  input: '',
  stdoutMaxBytes: 1 << 20,
  stderrTailBytes: 4096,
  timeoutMs: 600_000,
  graceMs: 60_000,
};

/** Starts a node process that runs `code` with our modules; gives its lines. */
function startParent(
  code: string,
  stdio: ('pipe' | 'ignore' | 'inherit' | number)[] = ['ignore', 'pipe', 'inherit'],
) {
  const file = join(folder, `parent-${Math.random().toString(36).slice(2)}.ts`);
  const module = (name: string): string => JSON.stringify(join(import.meta.dirname, name));
  const imports = [
    `import { runProcess, spawnerPids } from ${module('run-process.ts')};`,
    `import { exec } from ${module('exec.ts')};`,
    `const spec = ${JSON.stringify(spec)};`,
  ];
  writeFileSync(file, [...imports, code].join('\n'));
  const parent = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], { stdio });
  return { parent, lines: createInterface({ input: parent.stdout! })[Symbol.asyncIterator]() };
}

const ended = (child: ChildProcess): Promise<unknown> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise(resolve => child.once('exit', resolve));

async function nextPids(lines: AsyncIterator<string>): Promise<number[]> {
  const { value } = await lines.next();
  return String(value).trim().split(' ').map(Number);
}

test('when the spawner is killed, its runs end as lost and a new one takes the next', async () => {
  const up = Promise.withResolvers<number[]>();
  const run = runProcess(spec, { onStderrLine: line => up.resolve(line.split(' ').map(Number)) });
  const pids = await up.promise;
  const before = spawnerPids();
  assert.equal(before.length, 1);
  process.kill(before[0]!, 'SIGKILL');
  const end = await run;
  assert.deepEqual([end.cause, end.transient], ['lost', true]);
  for (const pid of pids) await gone(pid);
  const next = await runProcess({ ...spec, args: ['-c', 'echo again'] });
  assert.equal(Buffer.from(next.stdout).toString(), 'again\n');
  assert.notDeepEqual(spawnerPids(), before);
});

test('a run whose start the spawner did not live to report is found and ended', async () => {
  // Many killings at random moments of the start.
  for (let round = 0; round < 15; round++) {
    const args = ['-c', 'exec sleep 600'];
    const marker = `${round}-${process.pid}`;
    await runProcess({ ...spec, args: ['-c', 'true'] });
    const [spawner] = spawnerPids();
    const run = runProcess({ ...spec, args, env: { ...spec.env, MARKER: marker } });
    await new Promise(resolve => setTimeout(resolve, round * 0.3));
    process.kill(spawner!, 'SIGKILL');
    assert.equal((await run).cause, 'lost');
    for (const pid of processesWith(`MARKER=${marker}`)) await gone(pid);
  }
});

test('when we are killed, the spawner ends every group at once and then itself', async () => {
  const { parent, lines } = startParent(`
    for (let i = 0; i < 6; i++) void runProcess(spec, { onStderrLine: line => console.log(line + ' ' + spawnerPids().join(' ')) });
  `);
  const pids = new Set<number>();
  for (let i = 0; i < 6; i++) for (const pid of await nextPids(lines)) pids.add(pid);
  for (const pid of pids) assert.equal(lives(pid), true);
  parent.kill('SIGKILL');
  await ended(parent);
  for (const pid of pids) await gone(pid);
});

test('when we exit in the middle of a run, it is ended, too', async () => {
  const { parent, lines } = startParent(`
    void runProcess(spec, { onStderrLine: line => { console.log(line + ' ' + spawnerPids().join(' ')); setTimeout(() => process.exit(0), 10); } });
  `);
  const pids = await nextPids(lines);
  await ended(parent);
  for (const pid of pids) await gone(pid);
});

test('an idle spawner does not keep us alive', async () => {
  const { parent, lines } = startParent(`
    const end = await runProcess({ ...spec, args: ['-c', 'exit 3'] });
    console.log(end.code);
  `);
  assert.deepEqual(await nextPids(lines), [3]);
  await ended(parent);
  assert.equal(parent.exitCode, 0);
});

test('no descriptor that we were started with reaches a step or a tool', async () => {
  const secret = openSync(join(folder, 'secret'), 'w');
  // 3 to 40: Node itself closes those below 16 only, and only while there is no gap.
  const stdio = [
    'ignore',
    'pipe',
    'inherit',
    ...new Array(20).fill('ignore'),
    ...new Array(18).fill(secret),
  ] as 'ignore'[];
  const { parent, lines } = startParent(
    `
    const list = 'ls /proc/$$/fd; ls -l /proc/$$/fd';
    const step = await runProcess({ ...spec, args: ['-c', list] });
    const tool = await exec('sh', ['-c', list]);
    console.log(JSON.stringify([Buffer.from(step.stdout).toString(), tool.stdout]));
  `,
    stdio,
  );
  closeSync(secret);
  const { value } = await lines.next();
  await ended(parent);
  const [step, tool] = JSON.parse(String(value)) as [string, string];
  assert.match(step, /^0\n1\n2\ntotal/);
  assert.match(tool, /^0\n1\n2\n/);
  assert.doesNotMatch(tool, /secret/);
});

test('a large output, a large input and many runs at once come through whole', async () => {
  const input = Buffer.alloc(700_000, 'abc');
  const ends = await Promise.all(
    Array.from({ length: 20 }, () => runProcess({ ...spec, program: '/bin/cat', args: [], input })),
  );
  for (const end of ends) assert.equal(Buffer.compare(input, end.stdout), 0);
});

function processesWith(variable: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => {
      try {
        return pid > 0 && readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(variable);
      } catch {
        return false;
      }
    });
}
