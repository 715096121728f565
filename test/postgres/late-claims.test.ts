/** Claims of transactions that end in another order than they began. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { cloudSchema } from '../../src/cloud/cloud.ts';
import { FleetFeed } from '../../src/cloud/resource/feed/fleet-feed.ts';
import { registerHosts } from '../../src/cloud/resource/register-hosts.ts';
import { type PlacementWish, Scheduler } from '../../src/cloud/resource/scheduler.ts';
import { placementRequest } from '../../src/placement/request.ts';
import { assertBooks, hostSpec } from '../system/claims-suite.ts';
import { postgresTests } from './fixture.ts';

const tests = postgresTests();

const wish = (msgid: number, group: string | null = null): PlacementWish => ({
  holder: { msgid, step: 0 },
  request: placementRequest({
    cpuMilli: 1000,
    memMib: 1024,
    ...(group && { group: { name: group, rule: 'anti-affinity', hard: true, scope: 'host' } }),
  }),
  vm: '',
});

it('a claim whose transaction ends late is not passed over by who has read later ones', () =>
  tests.withDatabase(async ({ open }) => {
    const stores = [await open({ schema: cloudSchema }), await open({ schema: cloudSchema })] as const;
    const [here, there] = stores;
    await here.transact(tx =>
      registerHosts(
        tx,
        ['a', 'b', 'c'].map(name => hostSpec(name)),
      ),
    );
    const reader = new FleetFeed(here);
    const scheduler = new Scheduler(new FleetFeed(there));
    const claims = (): Promise<string[]> =>
      here.transactBeside(async tx => [...(await reader.exactly(tx)).claims()].map(({ id }) => id).sort());
    assert.deepEqual(await claims(), []);
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const late = there.transactBeside(async tx => {
      assert.equal((await scheduler.place(tx, [wish(1)]))[0]?.kind, 'placed');
      begun.resolve();
      await end.promise;
    });
    await begun.promise;
    // On another host: the late one still holds its own.
    const apart = new Scheduler(new FleetFeed(here));
    await here.transactBeside(tx => apart.place(tx, [{ ...wish(2), request: elsewhere() }]));
    assert.deepEqual(await claims(), ['2.0'], 'of what is not durable nobody knows');
    assert.deepEqual(await claims(), ['2.0']);
    end.resolve();
    await late;
    assert.deepEqual(await claims(), ['1.0', '2.0']);
    await assertBooks(here);
  }));

/** Not where the first one goes, which is the first host by name. */
const elsewhere = () => placementRequest({ cpuMilli: 1000, memMib: 1024, exclude: ['a'] });

it('who places one of a group waits for another that is placing one, and sees where', () =>
  tests.withDatabase(async ({ open, sql }) => {
    const stores = [await open({ schema: cloudSchema }), await open({ schema: cloudSchema })] as const;
    await stores[0].transact(tx =>
      registerHosts(
        tx,
        ['a', 'b'].map(name => hostSpec(name)),
      ),
    );
    const schedulers = stores.map(store => new Scheduler(new FleetFeed(store)));
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const hostOf = async (tx: Parameters<Scheduler['place']>[0], at: number): Promise<string | null> => {
      const [placed] = await schedulers[at]!.place(tx, [wish(at + 1, 'apart')]);
      return placed?.kind === 'placed' ? placed.choice.host : null;
    };
    const first = stores[0].transactBeside(async tx => {
      const host = await hostOf(tx, 0);
      begun.resolve();
      await end.promise;
      return host;
    });
    await begun.promise;
    const second = stores[1].transactBeside(tx => hostOf(tx, 1));
    for (;;) {
      const [row] = await sql(
        `SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`,
      );
      if (Number(row?.n) === 1) break;
    }
    end.resolve();
    assert.deepEqual(new Set(await Promise.all([first, second])), new Set(['a', 'b']));
    await assertBooks(stores[0]);
  }));
