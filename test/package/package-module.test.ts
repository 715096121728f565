/** Steps of the module `package`: safe to repeat, undone by their key, refused when they are given to another worker. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { closeSpawners } from '../../src/linux/process/run-process.ts';
import type { Json, Mode, Parameters } from '../../src/message/message.ts';
import { packageModule } from '../../src/package/module/package-module.ts';
import { openHost, sourceOf } from './host-fixture.ts';
import { scratch } from './package-fixture.ts';

after(closeSpawners);

/** A host h1 with its module, as each of some installations has it. */
async function world(...installations: string[]) {
  const host = openHost(scratch());
  const source = await sourceOf(scratch(), [
    ['web', '1.0.0', { page: 'one' }],
    ['web', '2.0.0', { page: 'two' }],
    ['sick', '1.0.0', {}, 'health: {command: [/bin/false], attempts: 1}'],
  ]);
  const modules = new Map(
    installations.map(installation => [
      installation,
      packageModule({
        installation,
        hostAt: name => (name === 'h1' ? host : null),
        sourceAt: () => source,
      }),
    ]),
  );
  const run = (
    action: string,
    parameters: Parameters,
    more: { key?: string; fence?: number; mode?: Mode; host?: string | null; installation?: string } = {},
  ) => {
    const { key = '1.0', fence = 1, mode = 'normal', installation = installations[0]! } = more;
    const found = modules.get(installation)!.actions.find(({ name }) => name === action);
    return found!.run({
      msgid: 1,
      step: 0,
      attempt: 1,
      key,
      fence,
      mode,
      parameters,
      output: {},
      host: more.host === undefined ? 'h1' : more.host,
      worker: 'w',
      timeoutMs: 180_000,
      signal: new AbortController().signal,
      log() {},
      detail() {},
    });
  };
  const stands = async () => (await host.list()).map(({ name, version }) => `${name} ${version}`).join(', ');
  return { run, stands };
}

const fetched = (version: string): Parameters => ({ fetched: [{ name: 'web', version }] as unknown as Json });

test('a step that is done again changes nothing, and its undo goes back to before its first time', async () => {
  const { run, stands } = await world('i');
  const brought = await run('fetch', { package: 'web', version: '1.0.0' });
  assert.deepEqual(brought, {
    kind: 'ok',
    set: { fetched: [{ name: 'web', version: '1.0.0' }], fetchedBytes: 3 },
  });
  await run('switch', fetched('1.0.0'), { key: '1.1' });
  await run('fetch', { package: 'web', version: '^2' });
  const first = await run('switch', fetched('2.0.0'), { key: '2.1' });
  assert.deepEqual(first, { kind: 'ok', set: { replaced: { web: '1.0.0' } } });
  assert.deepEqual(await run('switch', fetched('2.0.0'), { key: '2.1', fence: 2 }), first);
  for (const fence of [3, 4]) {
    assert.equal((await run('switch', fetched('2.0.0'), { key: '2.1', fence, mode: 'rollback' })).kind, 'ok');
    assert.equal(await stands(), 'web 1.0.0');
  }
});

test('whoever has lost a step to another worker switches nothing any more', async () => {
  const { run, stands } = await world('i');
  await run('fetch', { package: 'web', version: '1.0.0' });
  await run('switch', fetched('1.0.0'), { fence: 7, mode: 'rollback' });
  const late = await run('switch', fetched('1.0.0'), { fence: 6 });
  assert.equal(late.kind, 'retryable');
  assert.equal(await stands(), '');
});

test('steps of another installation have the same keys, and are none of ours', async () => {
  const { run, stands } = await world('one', 'other');
  await run('fetch', { package: 'web', version: '1.0.0' });
  await run('switch', fetched('1.0.0'), { key: '5.1' });
  await run('switch', fetched('1.0.0'), { key: '5.1', mode: 'rollback', installation: 'other' });
  assert.equal(await stands(), 'web 1.0.0');
});

test('an error names its host; a step at no host, or at another, is refused, and its undo has nothing to do', async () => {
  const { run } = await world('i');
  await run('fetch', { package: 'sick' });
  const sick = await run('switch', { fetched: [{ name: 'sick', version: '1.0.0' }] as unknown as Json });
  assert.ok(sick.kind === 'terminal' && sick.error.code === 'COAX_PACKAGE_UNHEALTHY');
  assert.match(sick.error.reason, /^h1: sick 1.0.0 is not healthy/);
  for (const host of [null, 'h2']) {
    const refused = await run('list', {}, { host });
    assert.ok(refused.kind === 'terminal' && refused.error.code === 'COAX_STEP_INPUT');
  }
  assert.equal((await run('switch', fetched('1.0.0'), { host: null, mode: 'rollback' })).kind, 'ok');
  const unknown = await run('check', { package: 'web' });
  assert.ok(unknown.kind === 'terminal' && unknown.error.code === 'COAX_PACKAGE_NOT_FOUND');
});
