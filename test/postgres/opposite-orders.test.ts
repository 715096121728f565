/** Two batches want the same hosts and the same names, each in the other's order: neither waits for what the other will not let go. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { KyselyPlugin } from 'kysely';
import { cloudSchema } from '../../src/cloud/cloud.ts';
import { claimHosts } from '../../src/cloud/resource/claim-hosts.ts';
import { FleetFeed } from '../../src/cloud/resource/feed/fleet-feed.ts';
import { registerHosts } from '../../src/cloud/resource/register-hosts.ts';
import { type PlacementWish, Scheduler } from '../../src/cloud/resource/scheduler.ts';
import { placementRequest } from '../../src/placement/request.ts';
import type { Store } from '../../src/store/store.ts';
import type { Tx } from '../../src/store/tx.ts';
import { assertBooks, hostClaim, hostSpec } from '../system/claims-suite.ts';
import { postgresTests, type TestDatabase } from './fixture.ts';

/** Who waits in a circle is found out at once. */
const tests = postgresTests(['deadlock_timeout=10ms']);

const nameOf = (name: string) => ({ kind: 'vm', key: name, detail: {} });
const ROUNDS = 60;

/** Two servers on a database with those hosts, in pools. */
async function twoServers({ open }: TestDatabase, pools: Record<string, readonly string[]>) {
  const stores = [await open({ schema: cloudSchema }), await open({ schema: cloudSchema })] as const;
  const specs = Object.entries(pools).flatMap(([pool, hosts]) =>
    hosts.map(host => hostSpec(host, { labels: { pool } })),
  );
  await stores[0].transact(tx => registerHosts(tx, specs));
  return stores;
}

/** What the database counts, once all who write have told it. */
async function deadlocks({ sql }: TestDatabase, stores: readonly Store[]): Promise<number> {
  await Promise.all(stores.map(store => store.close()));
  const [row] = await sql('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()');
  return Number(row?.deadlocks);
}

it('claims of hosts and names in opposite order', () =>
  tests.withDatabase(async database => {
    const hosts = ['a', 'b', 'c', 'd'];
    const stores = await twoServers(database, { all: hosts });
    const names = ['n1', 'n2', 'n3', 'n4'];
    const results = { kept: 0, refused: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const claimOn = (store: Store, side: number) => {
        const order = side === 0 ? [0, 1, 2, 3] : [3, 2, 1, 0];
        const claims = order.map(at =>
          hostClaim(1 + round * 8 + side * 4 + at, hosts[at]!, {
            cpuMilli: 10,
            memMib: 1,
            beside: nameOf(`${names[at]}-${round}`),
          }),
        );
        return store.transactBeside(tx => claimHosts(tx, claims));
      };
      for (const { refused } of await Promise.all(stores.map(claimOn))) {
        results.refused += refused.size;
        results.kept += 4 - refused.size;
      }
    }
    assert.deepEqual(results, { kept: ROUNDS * 4, refused: ROUNDS * 4 }, 'each name was given once');
    await assertBooks(stores[0]);
    assert.equal(await deadlocks(database, stores), 0);
  }));

it('names in opposite order, the second of each at a host that was found full', () =>
  tests.withDatabase(async database => {
    const pools = { x: ['x1'], y: ['y1', 'y2'], q: ['q1'], z: ['z1', 'z2'] };
    const stores = await twoServers(database, pools);
    const schedulers = stores.map(store => new Scheduler(new FleetFeed(store)));
    for (const [at, store] of stores.entries())
      await store.transactBeside(tx => schedulers[at]!.feed.fleet(tx));
    // Without a mark, so that a scheduler learns of it when the store refuses its claim.
    await database.sql(`UPDATE hosts SET cpu_used = cpu_total WHERE name IN ('y1', 'z1')`);
    const barrier = new Barrier();
    const place = (at: number, wishes: readonly PlacementWish[]) =>
      stores[at]!.transactBeside(tx => schedulers[at]!.place(barrier.afterNames(tx), wishes));
    const results = await Promise.all([
      place(0, [wish(1, 'x', 'one'), wish(2, 'y', 'two')]),
      place(1, [wish(3, 'q', 'two'), wish(4, 'z', 'one')]),
    ]);
    const kinds = results.map(placed => placed.map(({ kind }) => kind));
    assert.deepEqual(kinds, [
      ['placed', 'none'],
      ['placed', 'none'],
    ]);
    const names = await database.sql(`SELECT key FROM allocations WHERE kind = 'vm' ORDER BY key`);
    assert.deepEqual(names, [{ key: 'one' }, { key: 'two' }]);
    await database.sql(`UPDATE hosts SET cpu_used = 0 WHERE name IN ('y1', 'z1')`);
    await assertBooks(stores[0]);
    assert.equal(await deadlocks(database, stores), 0);
  }));

const wish = (msgid: number, pool: string, vm: string): PlacementWish => ({
  holder: { msgid, step: 0 },
  request: placementRequest({ cpuMilli: 1000, memMib: 1024, labels: { pool } }),
  vm,
  contended: true,
  beside: () => nameOf(vm),
});

/** Lets two transactions go on once each has written its first names. */
class Barrier {
  #there = 0;
  readonly #both = Promise.withResolvers<void>();

  afterNames(tx: Tx): Tx {
    let waited = false;
    const plugin: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        const isNames = result.rows.some(row => (row as { kind?: string }).kind === 'vm');
        if (isNames && !waited) {
          waited = true;
          if (++this.#there === 2) this.#both.resolve();
          await this.#both.promise;
        }
        return result;
      },
    };
    return { ...tx, now: tx.now, beside: true, db: tx.db.withPlugin(plugin) };
  }
}
