/** States of hosts on both engines: what waits, what fails over, what is owed, and what is made right when a host returns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { agentWorkerName } from '../../src/api/agent.ts';
import { agentViews } from '../../src/cloud/agents/agent-views.ts';
import { Agents } from '../../src/cloud/agents/agents.ts';
import { agentTables } from '../../src/cloud/agents/schema.ts';
import { simulatedHost } from '../../src/cloud/compute/simulated/shared-guests.ts';
import type { Difference } from '../../src/cloud/hosts/compare.ts';
import { HostWatch } from '../../src/cloud/hosts/host-watch.ts';
import { owedTables } from '../../src/cloud/owed/schema.ts';
import { registerHosts } from '../../src/cloud/resource/register-hosts.ts';
import { simulatedHosts } from '../../src/cloud/simulated-hosts.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import { REAL_TIMERS } from '../../src/store/timers.ts';
import { onBothEngines } from './both-engines.ts';
import { type CloudFixture, openFixture } from './cloud-fixture.ts';

const BY = { actor: 'test', reason: 'to see' };
const LOST = { reason: 'its power supply burnt', fenced: true };

const stateOf = async ({ cloud }: CloudFixture, name: string) => {
  const host = (await cloud.hosts()).find(host => host.name === name)!;
  return { state: host.state, reason: host.reason, used: host.cpu.used };
};

const owedAt = async ({ store }: CloudFixture) =>
  (await owedTables(store.reader).selectFrom('owed').selectAll().orderBy('key').execute()).map(row => ({
    host: row.host,
    name: row.name,
    open: Number(row.done) === 0,
  }));

/** The host's own book, as it would be on a machine of its own. */
const bookOf = ({ store, dataDir }: CloudFixture, host: string) => simulatedHost(store, dataDir, host);
const NEVER = new AbortController().signal;

const vmAt = async (fixture: CloudFixture, host: string, name: string) => {
  const message = await fixture.run('create_vm', { cpu: 1, mem: 96, name, labels: { host } });
  assert.equal(message.phase, 'done', JSON.stringify(message.error));
  return { msgid: message.msgid, uuid: String(parametersOf(message).uuid) };
};

const differencesOf = async (fixture: CloudFixture, parameters: Record<string, string | boolean>) => {
  const message = await fixture.run('reconcile_host', parameters);
  assert.equal(message.phase, 'done', JSON.stringify(message.error));
  return parametersOf(message).differences as Difference[];
};

/** A host that is on record and that nobody serves: its agent is silent. */
async function addSilentHost({ store }: CloudFixture, name: string): Promise<void> {
  const [first] = simulatedHosts('simulated');
  await store.transact(tx => registerHosts(tx, [{ ...first!, name, labels: {} }]));
}

/** Declares it lost, and waits until this process, whose host it is, has heard of that and does no more steps for it. */
async function lose(fixture: CloudFixture, host: string): Promise<void> {
  assert.equal((await fixture.run('lose_host', { host, ...LOST })).phase, 'done');
  await fixture.untilServed(addresses => !addresses.includes(`compute@${host}`));
}

onBothEngines('hosts', options => {
  test('a host is lost only when somebody says that it is fenced', async () => {
    await using fixture = await openFixture(options());
    const message = await fixture.run('lose_host', { host: 'sim-1', reason: 'silent' });
    assert.equal(message.error?.code, 'COAX_HOST_STATE');
    assert.match(message.error!.reason, /--fenced/);
    assert.equal((await stateOf(fixture, 'sim-1')).state, 'up');
  });

  test('a step waits at a silent host; once that is lost, the message walks back, and nothing is owed that never began', async () => {
    await using fixture = await openFixture(options());
    await addSilentHost(fixture, 'far-1');
    const msgid = await fixture.submit('create_vm', {
      cpu: 1,
      mem: 96,
      name: 'web',
      labels: { host: 'far-1' },
    });
    // Claims and address are made before it stands at the host.
    while ((await fixture.store.message(msgid))!.cursor !== 2)
      await new Promise(resolve => setImmediate(resolve));
    assert.equal((await fixture.run('host_down', { host: 'far-1', reason: 'silent' })).phase, 'done');
    assert.equal((await stateOf(fixture, 'far-1')).state, 'down');
    assert.equal((await fixture.store.message(msgid))!.phase, 'open');
    assert.equal((await fixture.run('lose_host', { host: 'far-1', ...LOST })).phase, 'done');
    const message = await fixture.rest(msgid);
    assert.equal(message.phase, 'rolled_back');
    assert.equal(message.error?.code, 'COAX_HOST_LOST');
    assert.match(message.error!.reason, /its power supply burnt/);
    assert.deepEqual(await stateOf(fixture, 'far-1'), { state: 'lost', reason: LOST.reason, used: 0 });
    assert.deepEqual(await fixture.store.allocations(), []);
    assert.deepEqual(await owedAt(fixture), []);
    assert.deepEqual(await fixture.cloud.fsck(), []);
  });

  test('a step that may have begun at a lost host is owed', async () => {
    await using fixture = await openFixture(options());
    await addSilentHost(fixture, 'far-1');
    const msgid = await fixture.submit('create_vm', {
      cpu: 1,
      mem: 96,
      name: 'web',
      labels: { host: 'far-1' },
    });
    const wish = { worker: 'agent', addresses: ['compute@far-1'], limit: 1, leaseMs: 60_000 };
    while ((await fixture.store.claim(wish)).length === 0)
      await new Promise(resolve => setImmediate(resolve));
    await fixture.run('lose_host', { host: 'far-1', ...LOST });
    // Its worker dies with it.
    await fixture.store.releaseWorker('agent');
    assert.equal((await fixture.rest(msgid)).phase, 'rolled_back');
    assert.deepEqual(await fixture.store.allocations(), []);
    assert.deepEqual(await owedAt(fixture), [{ host: 'far-1', name: 'web', open: true }]);
    const undone = (await fixture.store.commits(msgid)).find(
      ({ mode, step }) => mode === 'rollback' && step === 'compute create_vm',
    )!;
    assert.equal((undone.detail as { owed: string }).owed, 'delete_guest');
  });

  test('lost, removed, returned: the owed guest is deleted before the host takes VMs again', async () => {
    await using fixture = await openFixture(options());
    const web = await vmAt(fixture, 'sim-1', 'web');
    const db = await vmAt(fixture, 'sim-1', 'db');
    await lose(fixture, 'sim-1');
    await fixture.decisions.revert(web.msgid, BY);
    assert.equal((await fixture.rest(web.msgid)).phase, 'rolled_back');
    assert.deepEqual(await owedAt(fixture), [{ host: 'sim-1', name: 'web', open: true }]);
    assert.deepEqual(await stateOf(fixture, 'sim-1'), { state: 'lost', reason: LOST.reason, used: 1 });
    // A lost host does nothing, but a stop of its VM fails rather than waits.
    assert.equal((await fixture.run('stop_vm', { name: 'db' })).error?.code, 'COAX_HOST_LOST');
    // It comes back as after a boot: one guest is there still, the other is gone.
    const book = bookOf(fixture, 'sim-1');
    assert.ok(await book.find(web.uuid));
    await book.destroy(db.uuid, NEVER);
    const returned = await fixture.run('return_host', { host: 'sim-1' });
    assert.equal(returned.phase, 'done', JSON.stringify(returned.error));
    assert.equal(await book.find(web.uuid), null);
    assert.equal((await book.find(db.uuid))?.state, 'running');
    assert.deepEqual(await stateOf(fixture, 'sim-1'), { state: 'up', reason: '', used: 1 });
    assert.deepEqual(await owedAt(fixture), [{ host: 'sim-1', name: 'web', open: false }]);
    assert.deepEqual(await fixture.cloud.fsck(), []);
    // It takes VMs again.
    await vmAt(fixture, 'sim-1', 'web');
  });

  test('a host whose agent falls silent is down, and returns with its next report; every change is a message', async () => {
    await using fixture = await openFixture(options());
    const { store } = fixture;
    const agent = { public_key: 'k', version: '1', address: '', boot_id: 'b', report: '' };
    const row = { host: 'sim-3', ...agent, enrolled: 1, seen: 1, lease_until: 2 };
    await store.transact(async ({ db }) => {
      await agentTables(db).insertInto('agents').values(row).execute();
      await db.updateTable('hosts').set({ agent: 1 }).where('name', '=', 'sim-3').execute();
    });
    const submitted: string[] = [];
    const faults: unknown[] = [];
    const watch = new HostWatch({
      store,
      async submit(flow, parameters) {
        submitted.push(flow);
        await fixture.run(flow, parameters);
      },
      onFault: fault => void faults.push(fault),
    });
    try {
      while ((await stateOf(fixture, 'sim-3')).state !== 'down') await sleep(20);
      assert.match((await stateOf(fixture, 'sim-3')).reason, /^not heard of since 1970-01-01T/);
      const heard = { seen: store.now() + 1, lease_until: store.now() + 600_000 };
      await store.transact(({ db }) => db.updateTable('agents').set(heard).execute());
      while ((await stateOf(fixture, 'sim-3')).state !== 'up') await sleep(20);
      // One that says goodbye is not waited for.
      await new Agents(store, agentWorkerName).goodbye('sim-3', false);
      while ((await stateOf(fixture, 'sim-3')).state !== 'down') await sleep(20);
      assert.match((await stateOf(fixture, 'sim-3')).reason, /^its agent was stopped \(20\d\d-.*Z\)$/);
      // One that is about to be started anew is, for 30 s; then the host is down, and the reason is another.
      await store.transact(({ db }) =>
        db
          .updateTable('agents')
          .set({ seen: store.now() + 1, lease_until: store.now() + 600_000 })
          .execute(),
      );
      while ((await stateOf(fixture, 'sim-3')).state !== 'up') await sleep(20);
      await new Agents(store, agentWorkerName).goodbye('sim-3', true);
      const lease = await agentTables(store.reader)
        .selectFrom('agents')
        .selectAll()
        .executeTakeFirstOrThrow();
      assert.equal(Number(lease.lease_until) - Number(lease.seen), 30_000);
      const { returnsUntil } = (await agentViews({ db: store.reader })).get('sim-3')!;
      assert.equal(Date.parse(returnsUntil!), Number(lease.lease_until));
      // As if these had passed.
      const earlier = { seen: Number(lease.seen) - 30_001, lease_until: Number(lease.lease_until) - 30_001 };
      await store.transact(({ db }) => db.updateTable('agents').set(earlier).execute());
      while ((await stateOf(fixture, 'sim-3')).state !== 'down') await sleep(20);
      assert.match(
        (await stateOf(fixture, 'sim-3')).reason,
        /^its agent ended to be started anew \(20\d\d-.*Z\), and is not back yet$/,
      );
    } finally {
      await watch.close();
    }
    const again = ['return_host', 'host_down'];
    assert.deepEqual(submitted, ['host_down', ...again, ...again]);
    assert.deepEqual(faults, []);
  });

  test('by policy a host that is down for long is declared lost, once, unless no host is heard of', async () => {
    await using fixture = await openFixture(options());
    const { store } = fixture;
    const agent = { public_key: 'k', version: '1', address: '', boot_id: 'b', report: '' };
    // sim-4 lost its key: nobody knows whether it runs.
    const leases = { 'sim-2': 2, 'sim-3': 2, 'sim-4': 0 };
    await store.transact(async ({ db }) => {
      for (const [host, lease_until] of Object.entries(leases)) {
        const row = { host, ...agent, enrolled: 1, seen: 1, lease_until };
        await agentTables(db).insertInto('agents').values(row).execute();
        await db.updateTable('hosts').set({ agent: 1 }).where('name', '=', host).execute();
      }
    });
    const submitted: string[] = [];
    let looks = 0;
    const watch = new HostWatch({
      store,
      lostAfterMs: 50,
      async submit(flow, parameters, key) {
        submitted.push(`${flow} ${parameters.host}`);
        if (flow === 'lose_host') assert.match(key, /^lose-host\/sim-3\//);
        await fixture.run(flow, parameters);
      },
      onFault: fault => assert.fail(String(fault)),
      timers: {
        ...REAL_TIMERS,
        after(_ms, call) {
          looks += 1;
          return REAL_TIMERS.after(20, call);
        },
      },
    });
    const states = async () =>
      Promise.all(['sim-2', 'sim-3', 'sim-4'].map(async host => (await stateOf(fixture, host)).state));
    const moreLooks = async (more: number) => {
      for (const until = looks + more; looks < until; ) await sleep(20);
    };
    try {
      while ((await states()).join() !== 'down,down,down') await sleep(20);
      // All are silent: it is the server that is cut off.
      await moreLooks(10);
      assert.deepEqual(await states(), ['down', 'down', 'down']);
      const heard = { seen: store.now() + 1, lease_until: store.now() + 600_000 };
      await store.transact(({ db }) =>
        agentTables(db).updateTable('agents').set(heard).where('host', '=', 'sim-2').execute(),
      );
      while ((await states())[1] !== 'lost') await sleep(20);
      await moreLooks(10);
    } finally {
      await watch.close();
    }
    assert.deepEqual((await states()).slice(1), ['lost', 'down']);
    assert.equal(submitted.filter(line => line.startsWith('lose_host')).join(), 'lose_host sim-3');
    assert.match(
      (await stateOf(fixture, 'sim-3')).reason,
      /^not heard of since 1970-.*: coax up --lost-after 0.05s .* fenced$/,
    );
  });

  test('reconcile names each difference, repairs it when told, and never touches a guest that it does not know', async () => {
    await using fixture = await openFixture(options());
    const book = bookOf(fixture, 'sim-2');
    const stopped = await vmAt(fixture, 'sim-2', 'a');
    const gone = await vmAt(fixture, 'sim-2', 'b');
    const started = await vmAt(fixture, 'sim-2', 'c');
    await vmAt(fixture, 'sim-2', 'd');
    await fixture.run('stop_vm', { name: 'c' });
    await book.stop(stopped.uuid, 0, NEVER);
    await book.destroy(gone.uuid, NEVER);
    await book.start(started.uuid, NEVER);
    const { spec } = (await book.find(started.uuid))!;
    const uuid = '00000000-0000-4000-8000-000000000001';
    await book.create({ ...spec, uuid, name: 'x', msgid: 999_999 }, NEVER);
    const found = await differencesOf(fixture, { host: 'sim-2' });
    const short = found.map(({ name, recorded, found, action }) => [name, recorded, found, action]);
    assert.deepEqual(short, [
      ['a', 'running', 'stopped', 'start'],
      ['b', 'running', 'none', 'restore'],
      ['c', 'stopped', 'running', 'adopt'],
      ['x', 'none', 'running', 'none'],
    ]);
    assert.deepEqual(await differencesOf(fixture, { host: 'sim-2', apply: true }), found);
    // Only what nobody may touch is left, and doing it again changes nothing.
    assert.deepEqual(await differencesOf(fixture, { host: 'sim-2', apply: true }), [found[3]]);
    assert.equal((await fixture.cloud.vm('c'))?.state, 'running');
    assert.ok(await book.find(uuid));
    const message = await fixture.run('reconcile_host', { host: 'sim-2', apply: true, unwanted: [uuid] });
    assert.equal(message.phase, 'done');
    assert.equal(await book.find(uuid), null);
    assert.deepEqual(await fixture.cloud.fsck(), []);
  });
});
