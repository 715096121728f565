/** The network between servers and PostgreSQL is cut, slowed, frozen and half-closed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { REAL_TIMERS } from '../../src/store/timers.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { submission } from '../../src/testing/store-conformance/fixture.ts';
import { Random } from '../simulation/random.ts';
import { Clients } from './clients.ts';
import { Installation, LEASE_MS } from './installation.ts';
import { judge } from './judge.ts';
import { NetworkProxy } from './network-proxy.ts';

const events = Number(process.env.COAX_EVENTS ?? (process.env.COAX_LONG === '1' ? 60 : 5));
const seed = Number(process.env.SEED ?? 1);
const KINDS = ['half-close', 'freeze', 'refuse', 'slow', 'cut'] as const;

describe('a network that fails between servers and PostgreSQL', () => {
  let cluster: PostgresCluster;
  before(async () => {
    cluster = await makePostgresCluster();
  });
  after(() => cluster?.close());

  it(`every promise is kept through ${events} faults (seed ${seed})`, async t => {
    await cluster.createDatabase('network');
    const proxy = await NetworkProxy.open(cluster.port);
    const url = cluster.url('network');
    try {
      // One server and one worker go through the proxy, the others straight.
      const urlOf = (name: string) => (name.endsWith('0') ? proxy.url(url) : url);
      await using installation = await Installation.open(urlOf, url, 2, 2);
      const random = new Random(seed);
      const clients = new Clients(installation, random);
      const running = clients.run(4, 200);
      for (let n = 0; n < events; n++) {
        await sleep(random.int(300, 1200));
        await fail(proxy, KINDS[n % KINDS.length] as (typeof KINDS)[number]);
      }
      clients.stop();
      await running;
      await judge(t, installation, clients);
    } finally {
      await proxy.close();
    }
  });

  it('half-closed connections, which never answer, are found out long before a statement may take so long', async t => {
    await cluster.createDatabase('half');
    const proxy = await NetworkProxy.open(cluster.port);
    const store = await openPostgres({ url: proxy.url(cluster.url('half')) });
    try {
      await Promise.all([store.submit([submission()]), store.counts(), store.transact(async () => {})]);
      proxy.halfClose();
      const began = performance.now();
      const answers = Promise.all([store.counts(), store.submit([submission()]), store.message(1)]);
      assert.equal((await answers)[2]?.msgid, 1);
      const tookMs = performance.now() - began;
      t.diagnostic(`answered ${tookMs.toFixed(0)} ms after the connections were half-closed`);
      // The time of a write is over after 30 s, and then it is sent again; that of a read after 300 s.
      assert.ok(tookMs < 200_000, `${tookMs} ms`);
      assert.equal((await store.messages({ limit: 9 })).length, 2);
    } finally {
      await store.close();
      await proxy.close();
    }
  });

  it('so are they when that happens as the connection that looks after them begins', async () => {
    await cluster.createDatabase('begins');
    await (await openPostgres({ url: cluster.url('begins') })).close();
    const proxy = await NetworkProxy.open(cluster.port);
    const closed = proxy.halfCloseAt('LISTEN');
    const store = await openPostgres({ url: proxy.url(cluster.url('begins')) });
    try {
      const began = performance.now();
      // Whether these are done or refused depends on how far their connections were.
      await Promise.allSettled([store.counts(), store.submit([submission()]), closed]);
      await Promise.all([store.counts(), store.submit([submission()])]);
      const tookMs = performance.now() - began;
      assert.ok(tookMs < 200_000, `${tookMs} ms: the limit of a read is 300 s`);
      assert.ok((await store.messages({ limit: 9 })).length > 0);
    } finally {
      await store.close();
      await proxy.close();
    }
  });

  it('a transaction whose fate nobody can tell is refused as such, and the next one is done', async () => {
    await cluster.createDatabase('fate');
    const url = cluster.url('fate');
    const proxy = await NetworkProxy.open(cluster.port);
    let skipped = 0;
    const timers = { ...REAL_TIMERS, monotonic: () => REAL_TIMERS.monotonic() + skipped };
    const store = await openPostgres({ url: proxy.url(url), timers });
    const straight = await openPostgres({ url });
    try {
      let tries = 0;
      const send = () =>
        store.transact(async tx => {
          tries += 1;
          return tx.submit(submission());
        });
      await send();
      const lost = proxy.loseAnswerTo('COMMIT');
      const answer = send();
      const refused = assert.rejects(answer, {
        code: 'COAX_STORE_UNAVAILABLE',
        reason: /while a transaction was being made durable/,
      });
      await lost;
      const hurry = setInterval(() => {
        skipped += 10_000;
      }, 50);
      await refused;
      clearInterval(hurry);
      assert.equal(tries, 2, 'it was not done again');
      proxy.mend();
      for (let done = false; !done; )
        done = await send().then(
          () => true,
          error => error.code !== 'COAX_STORE_UNAVAILABLE' && Promise.reject(error),
        );
      // What was refused had been written: whoever looks finds it, as the hint says.
      assert.equal((await straight.messages({ limit: 9 })).length, 3);
    } finally {
      await Promise.all([store.close(), straight.close()]);
      await proxy.close();
    }
  });
});

async function fail(proxy: NetworkProxy, kind: (typeof KINDS)[number]): Promise<void> {
  switch (kind) {
    case 'cut':
      return proxy.cut();
    case 'half-close':
      return proxy.halfClose();
    case 'slow':
      proxy.slow(80);
      await sleep(2000);
      return proxy.mend();
    case 'freeze':
      // Longer than the lease: the worker behind it must not commit what it did meanwhile.
      proxy.freeze();
      await sleep(LEASE_MS + 1000);
      return proxy.mend();
    case 'refuse':
      proxy.refuse();
      await sleep(1500);
      return proxy.mend();
  }
}
