/** Simulated hosts on one PostgreSQL: any server may do a step there, and each knows every guest. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { copyBetween } from '../../src/cli/compose-copy.ts';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import type { Client } from '../../src/client/client.ts';
import type { Hypervisor } from '../../src/cloud/compute/hypervisor.ts';
import { simulatedHost } from '../../src/cloud/compute/simulated/shared-guests.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { writeWorkers } from '../../src/store/workers.ts';
import { paperGuest } from '../../src/testing/paper-guest.ts';
import { noHypervisor, noNetwork, openFixture } from '../system/cloud-fixture.ts';
import { Processes } from '../system/process-fixture.ts';
import { postgresTests } from './fixture.ts';

const { withDatabase } = postgresTests();

async function rest(client: Client, msgid: number, status: string): Promise<void> {
  const message = await client.waitFor(msgid, { timeoutMs: 180_000 });
  assert.equal(message.status, status, JSON.stringify(message.error));
}

it('two servers, each with a data directory of its own: fsck of either finds every guest, also when one was killed', () =>
  withDatabase(async ({ url }) => {
    await using processes = new Processes();
    const env = { COAX_STORE: url };
    const a = await processes.server('a', [], env);
    const b = await processes.server('b', [], env);
    const create = (client: Client, name: string) =>
      client.submit({ flow: 'create_vm', parameters: { cpu: 1, mem: 128, name } });
    const made = await Promise.all(
      Array.from({ length: 24 }, (_, n) => create((n % 2 === 0 ? a : b).client, `vm${n}`)),
    );
    for (const { msgid } of made) await rest(a.client, msgid, 'done');
    const removed = made.slice(0, 8);
    for (const { msgid } of removed) await a.client.revert(msgid, { reason: 'test' });
    for (const { msgid } of removed) await rest(b.client, msgid, 'rolled_back');
    for (const { client } of [a, b]) assert.deepEqual((await client.fsck()).faults, []);

    a.program.signal('SIGKILL');
    await a.program.ended;
    const { msgid } = await b.client.submit({ flow: 'stop_vm', parameters: { name: 'vm9' } });
    await rest(b.client, msgid, 'done');
    for (const gone of made.slice(10)) await b.client.revert(gone.msgid, { reason: 'test' });
    for (const gone of made.slice(10)) await rest(b.client, gone.msgid, 'rolled_back');
    const report = await b.client.fsck();
    assert.deepEqual(report.faults, []);
    assert.equal((await b.client.vms()).items.length, 2);
  }));

it('a process without --simulate leaves simulated hosts to those that have it, and sets them down when none is heard of', () =>
  withDatabase(async ({ url, open }) => {
    const openStore = () => openPostgres({ url, schema: installationSchema });
    {
      await using _ = await openFixture({ openStore });
    }
    const living = await open({ schema: installationSchema });
    const about = { role: 'all', host: 'm1', pid: 1, version: '1', modules: {}, draining: false } as const;
    const worker = { name: 'p1', steps: 0, since: 0, about: { ...about, addresses: ['compute@sim-1'] } };
    const heard = (ms: number) => living.jot(db => writeWorkers(db, 'p1', [worker], living.now() + ms, 0));
    // So long is more than this test takes.
    await heard(3_600_000);
    const statesAtStart = async () => {
      await using server = await openFixture({
        openStore,
        simulate: false,
        hostName: 'node-a',
        hypervisor: noHypervisor(),
        hostNetwork: noNetwork(),
      });
      return Object.fromEntries((await server.cloud.hosts()).map(({ name, state }) => [name, state]));
    };
    const others = { 'node-a': 'up', 'sim-2': 'down', 'sim-3': 'down', 'sim-4': 'down' };
    assert.deepEqual(await statesAtStart(), { ...others, 'sim-1': 'up' });
    await heard(-60_000);
    assert.deepEqual(await statesAtStart(), { ...others, 'sim-1': 'down' });
  }));

it('a guest in the store that is removed while it is stopped, here or elsewhere, does not come back', () =>
  withDatabase(async ({ open }) => {
    const hostOf = async (): Promise<Hypervisor> =>
      simulatedHost(await open({ schema: installationSchema }), '/nowhere', 'sim-1');
    const [a, b] = [await hostOf(), await hostOf()];
    const signal = AbortSignal.timeout(120_000);
    for (let index = 1; index <= 30; index++) {
      const spec = paperGuest(index);
      await a.create(spec, signal);
      await Promise.allSettled([a.stop(spec.uuid, 0, signal), b.destroy(spec.uuid, signal)]);
      assert.deepEqual(await a.list(), []);
    }
  }));

it('store copy takes simulated guests along, there and back', () =>
  withDatabase(async ({ url }) => {
    const dir = mkdtempSync(join(tmpdir(), 'coax-simulated-'));
    const onSqlite = (name: string) => ({
      dataDir: dir,
      openStore: async () => openSqlite({ file: join(dir, name), schema: installationSchema }),
    });
    const create = (name: string) => ['create_vm', { cpu: 1, mem: 128, name }] as const;
    try {
      {
        await using server = await openFixture(onSqlite('coax.db'));
        for (const name of ['web', 'db']) assert.equal((await server.run(...create(name))).phase, 'done');
      }
      await copyBetween(`sqlite:${join(dir, 'coax.db')}`, url, () => {});
      {
        await using server = await openFixture({
          dataDir: dir,
          openStore: () => openPostgres({ url, schema: installationSchema }),
        });
        assert.deepEqual(await server.cloud.fsck(), []);
        assert.equal((await server.run(...create('more'))).phase, 'done');
        const web = (await server.cloud.vm('web'))!;
        await server.decisions.revert(web.msgid, { actor: 'ann', reason: 'test' });
        assert.equal((await server.rest(web.msgid)).phase, 'rolled_back');
        assert.deepEqual(await server.cloud.fsck(), []);
      }
      // The first one is as it was.
      {
        await using server = await openFixture(onSqlite('coax.db'));
        assert.deepEqual(await server.cloud.fsck(), []);
        assert.equal((await server.cloud.vms()).length, 2);
      }
      await copyBetween(url, `sqlite:${join(dir, 'back.db')}`, () => {});
      for (const _again of [1, 2]) {
        await using server = await openFixture(onSqlite('back.db'));
        assert.deepEqual(await server.cloud.fsck(), []);
        assert.deepEqual((await server.cloud.vms()).map(({ name }) => name).sort(), ['db', 'more']);
      }
    } finally {
      rmSync(dir, { recursive: true });
    }
  }));
