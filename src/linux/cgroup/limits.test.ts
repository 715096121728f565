import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gone, lives } from '../../testing/process-lives.ts';
import type { ProcessEnd, ProcessHooks, ProcessSpec } from '../process/process-spec.ts';
import { runHere } from '../process/run-here.ts';
import { closeSpawners, runProcess, spawnerPids } from '../process/run-process.ts';
import { cgroupMount } from '../procfs/cgroup.ts';
import { aboutLimits, limitsHere } from './limits-here.ts';
import { ownGroups, sweepGroups } from './own-groups.ts';
import { type Controller, cgroupPlace, groupsIn, handDown } from './parent.ts';
import { killGroup, tryRemove } from './remove.ts';

/** test/cgroup/in-guest.test.ts runs this file on a kernel with all controllers, where nothing may be skipped. */
const HERE = limitsHere();
const MIB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'coax-cgroup-'));
after(async () => {
  await closeSpawners();
  rmSync(folder, { recursive: true });
});

const mount = cgroupMount() ?? '';

function shell(script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    program: '/bin/sh',
    args: ['-c', script],
    env: { PATH: '/usr/bin:/bin', MOUNT: mount, F: join(folder, `f-${Math.random()}`) },
    cwd: '/',
    input: '',
    stdoutMaxBytes: 1 << 20,
    stderrTailBytes: 4096,
    timeoutMs: 300_000,
    graceMs: 200,
    limits: {},
    ...more,
  };
}

const textOf = (end: ProcessEnd): string => Buffer.from(end.stdout).toString('utf8');

/** Leaves a program in a session of its own, and goes on when that is there; its pid is in $F. */
const LEAVE = `setsid sh -c 'echo $$ > "$F"; exec sleep 600' & while [ ! -s "$F" ]; do sleep 0.05; done; cat "$F"`;
const OWN_GROUP = 'g=$MOUNT$(sed -n s/^0:://p /proc/self/cgroup)';

function needs(t: TestContext, ...controllers: Controller[]): boolean {
  const missing = controllers.filter(name => HERE.missing.has(name));
  if (HERE.groups !== null && missing.length === 0) return true;
  t.skip(aboutLimits(HERE));
  return false;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let looks = 0; !holds(); looks++) {
    if (looks > 6000) throw new Error(`${what}: not within 5 minutes`);
    await pause(50);
  }
}

type Run = (spec: ProcessSpec, hooks?: ProcessHooks) => Promise<ProcessEnd>;
const ways: [string, Run][] = [
  ['here', runHere],
  ['through the spawner', runProcess],
];

for (const [way, run] of ways) {
  describe(`a program with limits, run ${way}`, { concurrency: 4 }, () => {
    test('takes with it what left its group and its session', async t => {
      if (!needs(t)) return;
      const end = await run(shell(LEAVE));
      assert.deepEqual([end.cause, end.code], ['exit', 0], end.stderr);
      await gone(Number(textOf(end)));
    });

    test('takes it along also when it is called off and heeds nothing', async t => {
      if (!needs(t)) return;
      const abort = new AbortController();
      const script = `trap "" TERM; ${LEAVE}; echo up >&2; while :; do sleep 1; done`;
      const end = await run(shell(script), { signal: abort.signal, onStderrLine: () => abort.abort() });
      assert.deepEqual([end.cause, end.signal], ['aborted', 'SIGKILL']);
      await gone(Number(textOf(end)));
    });

    test('sees exactly the environment it was given, wherever its program lies', async () => {
      const odd = join(folder, `a=b ${way}`);
      writeFileSync(odd, '#!/bin/sh\nexec /usr/bin/env\n');
      chmodSync(odd, 0o755);
      const env = { A: '1', '-u': 'x', 'a.b': '2 3', Z: '$(echo no)' };
      const bare = await run({ ...shell('', { env }), program: '/usr/bin/env', args: [] });
      assert.deepEqual(textOf(bare).trim().split('\n').sort(), ['-u=x', 'A=1', 'Z=$(echo no)', 'a.b=2 3']);
      const end = await run({ ...shell('', { env: { A: '1' } }), program: odd, args: [] });
      assert.match(textOf(end), /^A=1$/m, end.reason);
    });

    test('uses CPU time that is counted for all of it', async t => {
      if (!needs(t)) return;
      const burn = 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done';
      const end = await run(
        shell(`(${burn}; echo done > "$F"; exec sleep 600) & while [ ! -s "$F" ]; do sleep 0.05; done`),
      );
      // Nobody has waited for the one that burnt it.
      assert.equal(end.use.cpuMs !== null && end.use.cpuMs >= 10, true, String(end.use.cpuMs));
    });

    test('may have so much memory all together, and is ended as a whole beyond', async t => {
      if (!needs(t, 'memory')) return;
      const limits = { memoryBytes: 64 * MIB };
      // Each of them alone has room enough.
      const hog = 'dd if=/dev/zero bs=40M count=1 2>/dev/null | sleep 600 & ';
      const end = await run(shell(`${hog}${hog}wait`, { limits }));
      assert.deepEqual([end.cause, end.signal, end.transient], ['out_of_memory', 'SIGKILL', false]);
      assert.match(end.reason, /needed more than its 67108864 bytes of memory/);
      assert.equal(end.use.memoryPeakKib! > 40 * 1024 && end.use.memoryPeakKib! <= 64 * 1024, true);
      const within = await run(
        shell('dd if=/dev/zero of=/dev/null bs=40M count=1 2>/dev/null; ulimit -v', { limits }),
      );
      assert.deepEqual([within.cause, within.code, textOf(within)], ['exit', 0, 'unlimited\n']);
    });

    test('is not out of memory when somebody else kills it', async t => {
      if (!needs(t, 'memory')) return;
      const end = await run(shell('kill -KILL $$', { limits: { memoryBytes: 64 * MIB } }));
      assert.deepEqual([end.cause, end.signal, end.transient], ['signal', 'SIGKILL', true]);
    });

    test('may have so many processes, and is told that it got no more', async t => {
      if (!needs(t, 'pids')) return;
      const script = 'for i in 1 2 3 4 5 6 7 8; do sleep 600 & done; exit 0';
      const end = await run(shell(script, { limits: { processes: 5 } }));
      assert.equal(end.cause, 'exit');
      assert.notEqual(end.code, 0);
      assert.match(end.reason, /it had its 5 processes and got no more/);
      const within = await run(shell('sleep 0 & sleep 0 & wait', { limits: { processes: 5 } }));
      assert.equal(within.code, 0, within.stderr);
    });

    test('is slowed to its part of a processor', async t => {
      if (!needs(t, 'cpu')) return;
      const script = `${OWN_GROUP}; cat $g/cpu.max; while ! grep -q '^nr_throttled [1-9]' $g/cpu.stat; do :; done`;
      const end = await run(shell(script, { limits: { cpus: 0.25 } }));
      assert.deepEqual([end.cause, end.code, textOf(end)], ['exit', 0, '25000 100000\n']);
    });

    test('is slowed at every disk', async t => {
      if (!needs(t, 'io')) return;
      const limits = { readBytesPerSecond: 5 * MIB, writeBytesPerSecond: 3 * MIB };
      const end = await run(shell(`${OWN_GROUP}; cat $g/io.max`, { limits }));
      const disk = readdirSync('/sys/block').find(name => /^(vd|sd|nvme)/.test(name));
      if (disk === undefined) return t.skip('there is no disk here');
      const number = readFileSync(`/sys/block/${disk}/dev`, 'latin1').trim();
      assert.match(textOf(end), new RegExp(`^${number} rbps=5242880 wbps=3145728 `, 'm'));
    });

    test('has address space instead where the kernel cannot count its memory', async t => {
      if (HERE.groups !== null && !HERE.missing.has('memory')) return; // The one above is for here.
      const end = await run(shell('ulimit -v', { limits: { memoryBytes: 256 * MIB } }));
      assert.equal(textOf(end), '262144\n', t.name);
    });
  });
}

test('no group outlives its run', async t => {
  if (!needs(t)) return;
  await Promise.all(Array.from({ length: 12 }, () => runHere(shell(LEAVE))));
  const own = ownGroups()!.folder;
  await until('the groups of ended runs are taken away', () => groupsIn(own).length === 0);
  assert.equal(existsSync(own), true);
});

test('what a killed spawner ran is ended, also what left its group and its session', async t => {
  if (!needs(t)) return;
  const up = Promise.withResolvers<number>();
  const run = runProcess(shell(`${LEAVE} >&2; sleep 600`), {
    onStderrLine: line => up.resolve(Number(line)),
  });
  const pid = await up.promise;
  assert.equal(lives(pid), true);
  for (const spawner of spawnerPids()) process.kill(spawner, 'SIGKILL');
  assert.equal((await run).cause, 'lost');
  await gone(pid);
});

test('what a server and its spawner left that were killed together is swept by the next', async t => {
  if (!needs(t)) return;
  // A place of its own: others sweep the usual one at any time.
  const place = join(mount, `coax-swept-${process.pid}`);
  mkdirSync(place);
  try {
    const [left, spawner] = await killedTogether(place);
    assert.equal(lives(left), true);
    assert.equal(groupsIn(place).filter(name => name.includes(`-${spawner}-`)).length, 1);
    sweepGroups(place);
    await gone(left);
    await until('its groups are taken away', () => groupsIn(place).length === 0);
  } finally {
    killGroup(place);
    await until('the place is empty', () => tryRemove(place));
  }
});

/** The pid of what a server's spawner has started, and the spawner's; neither of the two had a chance to end anything. */
async function killedTogether(place: string): Promise<[left: number, spawner: number]> {
  const file = join(folder, 'server.ts');
  const module = JSON.stringify(join(import.meta.dirname, '../process/run-process.ts'));
  const spec = JSON.stringify(shell(`${LEAVE} >&2; sleep 600`));
  writeFileSync(
    file,
    `import { runProcess, spawnerPids } from ${module};
    void runProcess(${spec}, { onStderrLine: line => console.log([line, ...spawnerPids()].join(' ')) });`,
  );
  const server = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { COAX_CGROUP: place },
  });
  const { value } = await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next();
  const [left, spawner] = String(value).split(' ').map(Number);
  process.kill(spawner!, 'SIGSTOP');
  server.kill('SIGKILL');
  await gone(server.pid!);
  process.kill(spawner!, 'SIGKILL');
  await gone(spawner!);
  return [left!, spawner!];
}

test('a user has groups where one is delegated to him, out of which the server moves', async t => {
  if (!needs(t)) return;
  if (process.getuid!() !== 0) return t.skip('only root can delegate');
  const delegated = join(mount, `coax-test-${process.pid}`);
  const controllers = handDown(mount);
  mkdirSync(delegated);
  try {
    for (const name of ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'])
      chownSync(join(delegated, name), 65_534, 65_534);
    const file = join(folder, 'delegated.ts');
    const module = (name: string): string => JSON.stringify(join(import.meta.dirname, name));
    writeFileSync(
      file,
      `import { readFileSync, writeFileSync } from 'node:fs';
      import { runHere } from ${module('../process/run-here.ts')};
      import { ownGroups } from ${module('own-groups.ts')};
      writeFileSync(${JSON.stringify(join(delegated, 'cgroup.procs'))}, '0');
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      const end = await runHere(${JSON.stringify({ ...shell('sed -n s/^0:://p /proc/self/cgroup'), limits: { processes: 9 } })});
      const path = readFileSync('/proc/self/cgroup', 'latin1').split('\\n').find(line => line.startsWith('0::'));
      console.log(JSON.stringify({ path, ran: Buffer.from(end.stdout).toString(), controllers: [...ownGroups()!.controllers] }));`,
    );
    const end = await runHere({
      ...shell('', { env: {} }),
      program: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', file],
    });
    assert.equal(end.code, 0, end.stderr);
    const said = JSON.parse(textOf(end));
    assert.match(said.path, /\/coax-test-\d+\/coax-server$/);
    assert.match(said.ran, /\/coax-test-\d+\/coax\/\d+-\d+-\d+\/run-1\n$/);
    assert.deepEqual(new Set(said.controllers), controllers);
  } finally {
    await until('the delegated group is empty', () => tryRemove(delegated));
  }
});

test('the place of groups can be named, and refused', () => {
  assert.deepEqual(cgroupPlace(process.pid, 'none'), { fault: 'COAX_CGROUP=none' });
  const wrong = cgroupPlace(process.pid, '/tmp');
  assert.match(
    'fault' in wrong ? wrong.fault : '',
    /\/tmp, which COAX_CGROUP names, is no cgroup of version 2/,
  );
  if (mount !== '') assert.deepEqual(cgroupPlace(process.pid, mount), { folder: mount, leave: null });
});

test('what holds limits is told, with what is missing and why', () => {
  const missing = new Map([
    ['memory', 'in cgroup v1'],
    ['io', 'in cgroup v1'],
  ] as const);
  assert.equal(
    aboutLimits({ groups: '/g', fault: null, missing }),
    'each program with limits has a group below /g; processes, CPUs by cgroup v2; memory as address space of each process; ' +
      'disks not limited: memory, io are in cgroup v1 (a kernel started with cgroup_no_v1=all has them in v2)',
  );
  assert.equal(
    aboutLimits({ groups: '/g', fault: null, missing: new Map() }),
    'each program with limits has a group below /g; memory, processes, CPUs, disks by cgroup v2',
  );
});
