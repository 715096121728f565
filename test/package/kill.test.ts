/**
 * A real install is killed by SIGKILL on its way into a system call that changes something, one after another: the old
 * package stands, or the new one. COAX_LONG=1: every one of them; else those that fit, spread over all.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exec, findProgram } from '../../src/linux/process/exec.ts';
import { asker, install, openHost, sourceOf } from './host-fixture.ts';
import { scratch } from './package-fixture.ts';

const CHILD = fileURLToPath(new URL('./install-child.ts', import.meta.url));
const CALLS = [
  'rename',
  'link',
  'symlink',
  'mkdir',
  'rmdir',
  'unlink',
  'fsync',
  'fchmod',
  'chmod',
  'write',
] as const;
const KILLS = process.env.COAX_LONG === '1' ? Number.POSITIVE_INFINITY : 18;

/** Runs the install under strace, with what is asked of it. */
const traced = (options: readonly string[], root: string, source: string) =>
  exec(
    'strace',
    [
      '-f',
      '-qq',
      ...options,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      CHILD,
      root,
      source,
      'web@2.0.0',
    ],
    // One thread does all that is asked of the disk: so the calls are counted in the order in which they are made.
    { timeoutMs: 60_000, env: { PATH: process.env.PATH ?? '', HOME: '/', UV_THREADPOOL_SIZE: '1' } },
  );

/** How often each call is made by the thread that does the work. */
async function countCalls(root: string, source: string, dir: string): Promise<Map<string, number>> {
  const log = join(dir, 'trace');
  const end = await traced(['-o', log, '-e', `trace=${CALLS.join(',')}`], root, source);
  assert.equal(end.code, 0, end.stderr);
  const lines = readFileSync(log, 'utf8').split('\n');
  const worker = lines.find(line => line.includes(' rename('))?.split(' ')[0];
  assert.ok(worker, 'nothing was renamed');
  const calls = lines.flatMap(line => (line.startsWith(worker) ? (/ (\w+)\(/.exec(line)?.[1] ?? []) : []));
  // What was written lasts before it gets its name: no rename comes between a file's last change and its fsync.
  const order = calls.filter(call => ['fchmod', 'fsync', 'rename'].includes(call)).join(' ');
  assert.match(order, /fchmod fsync/);
  assert.doesNotMatch(order, /fchmod rename/);
  const counts = new Map<string, number>();
  for (const line of lines) {
    const [, thread, call] = /^(\d+) +(\w+)\(/.exec(line) ?? [];
    if (thread === worker) counts.set(call!, (counts.get(call!) ?? 0) + 1);
  }
  return counts;
}

test('killed on the way into any system call, an install leaves the old package or the new one', async () => {
  assert.ok(findProgram('strace'), 'apt-get install strace');
  const dir = scratch();
  const source = await sourceOf(join(dir, 'source'), [
    ['runtime', '1.0.0', { page: 'r1' }],
    ['runtime', '2.0.0', { page: 'r2', 'd/more': 'more' }],
    ['web', '1.0.0', { page: 'one', same: 'same' }, 'dependencies: {runtime: ^1.0.0}'],
    ['web', '2.0.0', { page: 'two', same: 'same', link: '->page' }, 'dependencies: {runtime: ^2.0.0}'],
  ]);
  const before = join(dir, 'before');
  await install(openHost(before), source, 'web@1.0.0');
  const copy = (): string => {
    const root = mkdtempSync(join(dir, 'root-'));
    // Contents and trees share their files: a copy that parts them is still a host's whole store.
    cpSync(before, root, { recursive: true, verbatimSymlinks: true });
    return root;
  };
  const counts = await countCalls(copy(), source.name, dir);
  const places = [...counts].flatMap(([call, count]) =>
    Array.from({ length: count }, (_, at) => ({ call, when: at + 1 })),
  );
  assert.ok(places.length > 60, `only ${places.length} calls`);
  const step = Math.max(1, places.length / KILLS);
  const spread = Array.from(
    { length: Math.ceil(places.length / step) },
    (_, at) => places[Math.floor(at * step)]!,
  );
  // The last of each is near the end, where the new version stands already.
  const last = [...counts].map(([call, when]) => ({ call, when }));
  const stood = { old: 0, new: 0 };
  let killed = 0;
  for (const { call, when } of [...spread, ...last]) {
    const root = copy();
    const inject = ['-o', '/dev/null', '-e', `inject=${call}:signal=SIGKILL:when=${when}`];
    const { signal, code } = await traced(inject, root, source.name);
    if (signal === 'SIGKILL' || code === 137) killed++;
    const host = openHost(root);
    const stands = async () => {
      assert.deepEqual(await host.verify(null), [], `${call} ${when}`);
      return (await host.list()).map(({ name, version }) => `${name} ${version}`).join(', ');
    };
    const versions = await stands();
    assert.match(versions, /^(runtime 1.0.0, web 1.0.0|runtime 2.0.0, web 2.0.0)$/, `${call} ${when}`);
    const isNew = versions.includes('web 2.0.0');
    stood[isNew ? 'new' : 'old']++;
    assert.equal(readFileSync(join(root, 'current/web/page'), 'utf8'), isNew ? 'two' : 'one');
    await host.recover(asker());
    await install(host, source, 'web@2.0.0');
    assert.equal(await stands(), 'runtime 2.0.0, web 2.0.0');
    rmSync(root, { recursive: true });
  }
  console.log(`killed ${killed} times of ${places.length} places; it stood: ${JSON.stringify(stood)}`);
  assert.ok(killed > 12 && stood.old > 3 && stood.new > 0, JSON.stringify({ killed, stood }));
});
