/** Connections that break and databases that crash: nothing acknowledged is lost, nothing is done twice. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { ok } from '../../src/message/outcome.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import type { Store } from '../../src/store/store.ts';
import {
  claimAt,
  claimOne,
  finish,
  nextBy,
  submission,
  submitOne,
} from '../../src/testing/store-conformance/fixture.ts';
import { makeWire, postgresTests, until } from './fixture.ts';

/** Tries as a client does whose call may be tried again. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isCoaxError(error, 'COAX_STORE_UNAVAILABLE') || performance.now() - began > 180_000) throw error;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}

/** Sends and finishes two-step messages until told to stop; gives what was acknowledged. */
async function work(store: Store, going: () => boolean, told: Map<number, number>): Promise<void> {
  while (going()) {
    const answers = await patiently(() => store.submit(Array.from({ length: 5 }, () => submission())));
    for (const { msgid } of answers) told.set(msgid, 0);
    for (const address of ['net', 'disk']) {
      const claims = await patiently(() => claimAt(store, address, 20, 5000));
      await Promise.all(
        claims.map(async claim => {
          const answer = await patiently(() => finish(store, claim, ok()));
          if (answer.kind === 'written') told.set(claim.msgid, answer.message.seq);
        }),
      );
    }
  }
}

async function checkTold(store: Store, told: ReadonlyMap<number, number>): Promise<void> {
  for (const [msgid, seq] of told) {
    const message = await store.message(msgid);
    assert.ok(message !== null && message.seq >= seq, `message ${msgid} was told of at ${seq}`);
  }
  const report = await fsckStore(store.scan(), { gapsPossible: true });
  assert.deepEqual(report.faults, []);
}

describe('PostgreSQL that fails', () => {
  const tests = postgresTests();
  const { withDatabase } = tests;

  it('connections killed under load: every answer given holds', () =>
    withDatabase(async ({ open, killConnections }) => {
      const stores = await Promise.all([open(), open()]);
      const told = new Map<number, number>();
      let going = true;
      const working = Promise.all(
        stores.flatMap(store => [1, 2, 3].map(() => work(store, () => going, told))),
      );
      let killed = 0;
      for (let round = 0; round < 12; round++) {
        const before = told.size;
        await until('something is done between', () => told.size > before + 10);
        killed += await killConnections();
      }
      going = false;
      await working;
      assert.ok(killed > 20);
      await checkTold(stores[0]!, told);
    }));

  it('a crash of the database under load: every answer given holds', () =>
    withDatabase(async ({ open }) => {
      const stores = await Promise.all([open(), open()]);
      const told = new Map<number, number>();
      let going = true;
      const working = Promise.all(stores.map(store => work(store, () => going, told)));
      for (let round = 0; round < 2; round++) {
        const before = told.size;
        await until('something is done between', () => told.size > before + 30);
        await tests.cluster.stop('immediate');
        await tests.cluster.start();
      }
      going = false;
      await working;
      await checkTold(stores[1]!, told);
    }));

  it('no fence is given twice: a claim outlives a crash, its holder can write, and nobody else has it', () =>
    withDatabase(async ({ open }) => {
      const store = await open();
      const msgid = await submitOne(store);
      const claim = await claimOne(store, 'net');
      await tests.cluster.stop('immediate');
      await tests.cluster.start();
      const after = await patiently(() => store.message(msgid));
      assert.deepEqual([after?.fence, after?.begun, after?.worker], [claim.fence, 1, claim.message.worker]);
      assert.deepEqual(await patiently(() => claimAt(store, 'net', 9)), []);
      assert.equal((await patiently(() => finish(store, claim, ok()))).kind, 'written');
      // What a crash forgets of a claim that was given back is that: the next claim's fence is higher than any before.
      const next = await claimOne(store, 'disk');
      await store.release([next], true);
      await tests.cluster.stop('immediate');
      await tests.cluster.start();
      await patiently(() => store.releaseWorker(next.message.worker ?? ''));
      const [again] = await patiently(() => claimAt(store, 'disk', 9));
      assert.ok(again !== undefined && again.fence > next.fence);
      assert.equal((await finish(store, next, ok())).kind, 'lost');
    }));

  it('the answer to a write is lost: it is found written, and told once', () =>
    withDatabase(async ({ url }) => {
      const wire = await makeWire(tests.cluster.port);
      const through = new URL(url);
      through.port = String(wire.port);
      const store = await openPostgres({ url: String(through) });
      try {
        const seen: string[] = [];
        store.onCommit(events => {
          for (const { commits } of events)
            for (const { msgid, seq } of commits) seen.push(`${msgid}.${seq}`);
        });
        // Statements are known to their connections: what is sent is their values.
        let lost = wire.loseAnswerTo('first-lost');
        const msgid = await submitOne(store, { mark: 'first-lost' });
        await lost;
        const claim = await claimOne(store, 'net');
        assert.equal(claim.msgid, msgid);
        lost = wire.loseAnswerTo('second-lost');
        const answer = await finish(store, claim, ok({ mark: 'second-lost' }), { keep: () => true });
        await lost;
        assert.ok(answer.kind === 'written' && answer.claim !== null);
        lost = wire.loseAnswerTo('COMMIT');
        const last = await finish(store, answer.claim, ok(), {
          inTransaction: true,
          next: async tx => {
            await tx!.db
              .insertInto('allocations')
              .values({ kind: 'ip', key: 'x', msgid, detail: '{}', created: tx!.now })
              .execute();
            return nextBy(answer.claim!, ok(), tx!.now);
          },
        });
        await lost;
        assert.equal(last.kind, 'written');
        lost = wire.loseAnswerTo('COMMIT');
        assert.equal(await store.transact(async tx => (await tx.allocations({ kind: 'ip' })).length), 1);
        await lost;
        assert.deepEqual(
          (await store.commits(msgid)).map(({ seq }) => seq),
          [0, 1, 2],
        );
        assert.equal((await store.messages({ limit: 9 })).length, 1);
        assert.deepEqual(
          seen,
          [0, 1, 2].map(seq => `${msgid}.${seq}`),
        );
        assert.deepEqual((await fsckStore(store.scan(), { gapsPossible: true })).faults, []);
      } finally {
        await store.close();
        await wire.close();
      }
    }));

  it('says what is wrong and where, and never the password', async () => {
    const { port } = tests.cluster;
    const cases: [url: string, reason: RegExp, where: RegExp][] = [
      ['postgres://coax:secret@127.0.0.1:1/postgres', /nothing accepts/, /^127\.0\.0\.1:1\/postgres$/],
      [`postgres://coax:secret@127.0.0.1:${port}/none`, /"none" does not exist/, /\/none$/],
      [`postgres://nobody-here:secret@127.0.0.1:${port}/postgres`, /refused the user/, /\/postgres$/],
      [`postgres://coax:secret@127.0.0.1:1,127.0.0.1:2/postgres`, /:1\/postgres: .*:2\/postgres: /, /:1\//],
    ];
    for (const [url, reason, where] of cases) {
      await assert.rejects(openPostgres({ url }), error => {
        assert.ok(isCoaxError(error, 'COAX_STORE_UNAVAILABLE'), String(error));
        assert.match(error.reason, reason);
        assert.match(error.where ?? '', where);
        assert.ok(error.hint.length > 10 && !JSON.stringify(error).includes('secret'));
        return true;
      });
    }
    await assert.rejects(openPostgres({ url: 'mysql://x' }), { code: 'COAX_USAGE' });
  });

  it('takes the first of several hosts that answers', () =>
    withDatabase(async ({ url, open }) => {
      const several = url.replace('127.0.0.1', '127.0.0.1:1,127.0.0.1');
      const store = await open({ url: several });
      await submitOne(store);
    }));
});
