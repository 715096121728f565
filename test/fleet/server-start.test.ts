/** A server that starts leaves hosts alone that have an agent of their own. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cloudTables } from '../../src/cloud/schema.ts';
import { type CloudFixture, openFixture } from '../system/cloud-fixture.ts';

/** As an agent's report writes it: another size than the server would give the host, and in use. */
async function giveAgent({ store }: CloudFixture, name: string, simulated: number): Promise<void> {
  await store.transact(async tx => {
    const set = { agent: 1, cpu_total: 3, cpu_used: 1, mem_used_mib: 512, simulated, state: 'up' as const };
    await cloudTables(tx.db).updateTable('hosts').set(set).where('name', '=', name).execute();
  });
}

const rowOf = ({ store }: CloudFixture, name: string) =>
  cloudTables(store.reader)
    .selectFrom('hosts')
    .select(['state', 'reason', 'cpu_total', 'seen'])
    .where('name', '=', name)
    .executeTakeFirstOrThrow();

test('hosts with an agent are neither served nor registered nor set down, simulated or not', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-fleet-'));
  try {
    let fixture = await openFixture({ dataDir });
    await giveAgent(fixture, 'sim-1', 1);
    await giveAgent(fixture, 'sim-2', 0);
    const before = [await rowOf(fixture, 'sim-1'), await rowOf(fixture, 'sim-2')];
    await fixture.stop();

    fixture = await openFixture({ dataDir });
    assert.deepEqual(fixture.cloud.hostNames(), ['sim-3', 'sim-4']);
    assert.deepEqual([await rowOf(fixture, 'sim-1'), await rowOf(fixture, 'sim-2')], before);
    await fixture.stop();

    // sim-2 is this machine's own name now.
    fixture = await openFixture({ dataDir, simulate: false, hostName: 'sim-2' });
    assert.deepEqual(fixture.cloud.hostNames(), []);
    assert.deepEqual([await rowOf(fixture, 'sim-1'), await rowOf(fixture, 'sim-2')], before);
    assert.equal((await rowOf(fixture, 'sim-3')).state, 'down');
    await fixture.stop();
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});
