/** Rollouts on five real agents, each on a machine of its own: what fails stays small, and too much of it is taken back. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JoinTokenView } from '../../src/api/agent.ts';
import { Transport } from '../../src/client/transport.ts';
import { makeRoot, signed } from '../../src/package/repository/metadata.ts';
import { makePostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { Fleet } from '../fleet/fleet-fixture.ts';
import { Processes, until } from '../system/process-fixture.ts';
import { buildWeb, publishAll } from './publish-all.ts';
import { newKey } from './publisher.ts';

const skip = process.getuid?.() === 0 ? false : 'network namespaces are made by root';
const evil = newKey();
const HOSTS = ['a', 'b', 'c', 'd', 'e'];

test('canaries stop a bad version, the budget bounds it, and people approve what goes on', {
  skip,
}, async t => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-rollout-'));
  t.after(() => rmSync(dir, { recursive: true }));
  await using fleet = await Fleet.open();
  for (const host of HOSTS) await fleet.lan.add(host);
  await Promise.all(HOSTS.map(host => fleet.join(host, ['--simulate'])));
  const { client } = fleet;
  await publishAll(client, dir, [
    await buildWeb(dir, '1.0.0', []),
    await buildWeb(dir, '1.1.0', ['c']),
    await buildWeb(dir, '1.2.0', ['c', 'd', 'e']),
    await buildWeb(dir, '1.3.0', []),
  ]);
  const on = 'fleet=yes';
  const standing = (): Record<string, string> =>
    Object.fromEntries(
      HOSTS.map(host => [
        host,
        readFileSync(fleet.processes.path(`${host}/packages/current/web/version`), 'utf8'),
      ]),
    );
  const all = (version: string, but: Record<string, string> = {}): Record<string, string> => ({
    ...Object.fromEntries(HOSTS.map(host => [host, version])),
    ...but,
  });
  const rollout = (version: string, more = {}) =>
    fleet.run('rollout_package', { package: 'web', version, on, ...more });

  await t.test('waves reach every host', async () => {
    const done = await rollout('1.0.0', { canary: '2', waves: ['60%', '100%'] });
    assert.equal(done.status, 'done', JSON.stringify(done.error));
    assert.deepEqual(standing(), all('1.0.0'));
    const view = await client.packages.rollout(done.msgid);
    assert.deepEqual(
      view.waves.map(({ name, hosts, counts }) => [name, hosts, counts.done]),
      [
        ['canary', 2, 2],
        ['60%', 1, 1],
        ['100%', 2, 2],
      ],
    );
    assert.deepEqual([view.state, view.hosts.done, view.failed], ['done', 5, []]);
  });

  await t.test('a canary that is not healthy stops it before any other host', async () => {
    const failed = await rollout('1.1.0', { canary: 'c' });
    assert.equal(failed.status, 'rolled_back');
    assert.match(failed.error!.reason, /web 1\.1\.0 is not healthy/);
    assert.deepEqual(standing(), all('1.0.0'));
    const view = await client.packages.rollout(failed.msgid);
    assert.deepEqual([view.state, view.hosts.waiting, view.hosts.done], ['undone', 4, 0]);
    assert.deepEqual(
      view.failed.map(({ host }) => host),
      ['c'],
    );
  });

  await t.test('within the budget it goes on, and names who failed', async () => {
    const done = await rollout('1.1.0', { canary: 'a', waves: ['100%'], budget: '20%' });
    assert.equal(done.status, 'done', JSON.stringify(done.error));
    assert.deepEqual(standing(), all('1.1.0', { c: '1.0.0' }));
    const view = await client.packages.rollout(done.msgid);
    assert.deepEqual([view.allowed, view.hosts.done, view.hosts.failed], [1, 4, 1]);
    assert.equal(view.failed[0]?.host, 'c');
    assert.match(view.failed[0]!.reason, /not healthy/);
  });

  await t.test('beyond the budget all that were switched are switched back', async () => {
    const before = standing();
    const failed = await rollout('1.2.0', { canary: 'a,b', waves: ['100%'], budget: '2' });
    assert.equal(failed.status, 'rolled_back');
    assert.match(failed.error!.reason, /3 of 3 failed, 2 tolerated/);
    assert.deepEqual(standing(), before);
    const view = await client.packages.rollout(failed.msgid);
    assert.deepEqual([view.state, view.hosts.done, view.hosts.failed], ['undone', 0, 3]);
  });

  await t.test('it pauses for a person, who approves or rejects', async () => {
    const before = standing();
    const start = async () => {
      const parameters = { package: 'web', version: '1.3.0', on, canary: 'a', pause_after: ['canary'] };
      const { msgid } = await client.submit({ flow: 'rollout_package', parameters });
      await until(
        'it is paused',
        async () => (await client.packages.rollout(msgid).catch(() => null))?.paused === true,
      );
      return msgid;
    };
    const refused = await start();
    assert.deepEqual(standing(), { ...before, a: '1.3.0' });
    // Another rollout of the same package would not know what stands where.
    const other = await rollout('1.0.0');
    assert.match(other.error!.reason, new RegExp(`message ${refused} rolls out web now`));
    await client.approve(refused, { reject: true, reason: 'no' });
    assert.equal((await client.waitFor(refused)).status, 'rolled_back');
    assert.deepEqual(standing(), before);
    await assert.rejects(client.approve(refused), { code: 'COAX_MESSAGE_STATE' });
    const approved = await start();
    await client.approve(approved, { reason: 'yes' });
    assert.equal((await client.waitFor(approved)).status, 'done');
    assert.deepEqual(standing(), all('1.3.0'));
    // When it is done it can still be walked back as a whole.
    await client.revert(approved, { reason: 'to see' });
    assert.equal((await client.waitFor(approved)).status, 'rolled_back');
    assert.deepEqual(standing(), before);
  });
  assert.deepEqual((await client.fsck()).faults, []);
});

test('on PostgreSQL it is the same', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-rollout-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const cluster = await makePostgresCluster();
  t.after(() => cluster.close());
  await using processes = new Processes();
  const { client } = await processes.server('server', [], { COAX_STORE: cluster.url() });
  await publishAll(client, dir, [
    await buildWeb(dir, '1.0.0', []),
    await buildWeb(dir, '1.1.0', ['sim-2', 'sim-3']),
  ]);
  const run = async (version: string, more = {}) => {
    const parameters = { package: 'web', version, on: 'all', ...more };
    const { msgid } = await client.submit({ flow: 'rollout_package', parameters });
    return { message: await client.waitFor(msgid), view: await client.packages.rollout(msgid) };
  };
  const whole = await run('1.0.0');
  assert.deepEqual(
    [whole.message.status, whole.view.hosts.done],
    ['done', 4],
    JSON.stringify(whole.message.error),
  );
  const stopped = await run('1.1.0', { canary: 'sim-1', budget: '1', waves: ['100%'] });
  assert.deepEqual([stopped.message.status, stopped.view.hosts.failed], ['rolled_back', 2]);
  for (const host of ['sim-1', 'sim-2', 'sim-3', 'sim-4'])
    assert.equal(
      readFileSync(processes.path(`server/packages/${host}/current/web/version`), 'utf8'),
      '1.0.0',
    );
  assert.deepEqual((await client.fsck()).faults, []);
});

test('an agent that was given another root takes nothing from the server', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-rollout-'));
  t.after(() => rmSync(dir, { recursive: true }));
  await using processes = new Processes();
  const { client, url, token } = await processes.server('server');
  await publishAll(client, dir, [await buildWeb(dir, '1.0.0', [])]);
  const transport = new Transport({ url, token });
  t.after(() => transport.close());
  const joinAs = async (name: string, root: Uint8Array): Promise<void> => {
    const body = { host: '', replace: false };
    const made = await transport.json<JoinTokenView>({ method: 'POST', path: '/v1/join-tokens', body });
    writeFileSync(join(dir, `${name}.root.json`), root);
    const trust = ['--package-trust', join(dir, `${name}.root.json`)];
    const args = ['agent', '--join', url, '--token', made.token, '--name', name, '--simulate', ...trust];
    await processes.coax(name, args).says(/connected to/);
  };
  const other = makeRoot({
    version: 1,
    root: { keys: [evil], threshold: 1 },
    targets: { keys: [evil], threshold: 1 },
    online: evil,
    expires: Date.now() + 1e10,
  });
  await joinAs('wary', signed(other, [evil]));
  await joinAs('trusting', readFileSync(join(dir, 'trust/root.json')));
  const run = async (on: string) => {
    const parameters = { package: 'web', version: '1.0.0', on };
    return client.waitFor((await client.submit({ flow: 'rollout_package', parameters })).msgid);
  };
  const refused = await run('wary');
  assert.equal(refused.status, 'rolled_back');
  assert.match(refused.error!.reason, /the repository does not verify/);
  const taken = await run('trusting');
  assert.equal(taken.status, 'done', JSON.stringify(taken.error));
});
