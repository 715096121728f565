/** Several servers on one database: what each of them may rely on. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { ok } from '../../src/message/outcome.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import type { Claim, Store } from '../../src/store/store.ts';
import {
  claimAt,
  claimOne,
  finish,
  planOfSteps,
  submission,
  submitOne,
} from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests, until } from './fixture.ts';

/** The connections on which servers hear of each other; from time to time each asks for the time. */
const LISTENS = `(query LIKE 'LISTEN%' OR query LIKE 'SELECT floor%AS clock')`;
const LISTENING = `SELECT FROM pg_stat_activity WHERE application_name = 'coax' AND ${LISTENS}`;
const ASK = { kind: 'cancel', actor: 'ann', reason: 'enough' } as const;

describe('servers on one PostgreSQL', () => {
  const { withDatabase } = postgresTests();

  it('make the tables once, however many start at the same time', () =>
    withDatabase(async ({ open, sql }) => {
      const part = { id: 'extra', sql: ['CREATE TABLE extra (n bigint)', 'INSERT INTO extra VALUES (1)'] };
      await Promise.all(Array.from({ length: 6 }, () => open({ schema: [part] })));
      assert.deepEqual(await sql('SELECT n FROM extra'), [{ n: '1' }]);
    }));

  it('refuse a database that a newer version has changed', () =>
    withDatabase(async ({ open, sql }) => {
      await open();
      await sql(`INSERT INTO migrations VALUES ('9999-from-the-future')`);
      await assert.rejects(open(), { code: 'COAX_STORE_NEWER' });
    }));

  it('never claim the same message, however they race', () =>
    withDatabase(async ({ open }) => {
      const stores = await Promise.all([open(), open(), open()]);
      await stores[0]!.submit(Array.from({ length: 1500 }, (_, n) => submission({ n })));
      const claims: Claim[] = [];
      const drain = async (store: Store, worker: string): Promise<void> => {
        for (;;) {
          const got = await store.claim({ worker, addresses: ['net'], limit: 7, leaseMs: 60_000 });
          if (got.length === 0 && (await store.counts()).queued === 0) return;
          claims.push(...got);
        }
      };
      await Promise.all(stores.flatMap((store, n) => [drain(store, `a${n}`), drain(store, `b${n}`)]));
      assert.equal(claims.length, 1500);
      assert.equal(new Set(claims.map(({ msgid }) => msgid)).size, 1500);
      for (const { msgid, message } of claims.slice(0, 20))
        assert.equal((await stores[2]!.message(msgid))?.worker, message.worker);
    }));

  it('keep out a writer whose lease another server gave away', () =>
    withDatabase(async ({ open }) => {
      const [a, b] = [await open(), await open()];
      const msgid = await submitOne(a);
      const late = await claimOne(a, 'net', -1);
      await b.expireLeases();
      const owner = await claimOne(b, 'net', 60_000, 'w2');
      assert.equal((await finish(a, late, ok({ by: 'late' }))).kind, 'lost');
      assert.deepEqual(await a.extend([late], 1000), ['lost']);
      assert.equal((await finish(b, owner, ok({ by: 'owner' }))).kind, 'written');
      assert.deepEqual((await a.commits(msgid)).at(-1)?.set, { by: 'owner' });
    }));

  it('give one message for one key, and refuse another request under it', () =>
    withDatabase(async ({ open }) => {
      const stores = await Promise.all([open(), open()]);
      for (let round = 0; round < 20; round++) {
        const same = submission({ round }, { idempotencyKey: `k${round}` });
        const answers = await Promise.all(
          stores.flatMap(store => [store.submit([same]), store.submit([submission(), same])]),
        );
        const msgids = answers.map(answer => answer.at(-1)!.msgid);
        assert.equal(new Set(msgids).size, 1);
        assert.equal(answers.filter(answer => answer.at(-1)!.created).length, 1);
        await assert.rejects(stores[1]!.submit([{ ...same, parameters: { other: round } }]), {
          code: 'COAX_IDEMPOTENCY_CONFLICT',
        });
      }
      const report = await fsckStore(stores[0]!.scan(), { gapsPossible: true });
      assert.deepEqual([report.faults, report.messages], [[], 20 + 40]);
    }));

  it('run their transactions one at a time', () =>
    withDatabase(async ({ open }) => {
      const stores = await Promise.all([open(), open()]);
      await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          stores[n % 2]!.transact(async tx => {
            const taken = await tx.allocations({ kind: 'ip' });
            await tx.db
              .insertInto('allocations')
              .values({ kind: 'ip', key: String(taken.length), msgid: 1, detail: '{}', created: tx.now })
              .execute();
          }),
        ),
      );
      assert.equal((await stores[0]!.allocations({ kind: 'ip' })).length, 40);
    }));

  it('hear of work by a notice even after a transaction that had nothing to tell', () =>
    withDatabase(async ({ open, sql }) => {
      const [a, b] = [await open(), await open()];
      const ready: string[] = [];
      b.onReady(address => ready.push(address));
      await until('both listen', async () => (await sql(LISTENING)).length === 2);
      await a.transact(async () => {});
      await submitOne(a);
      await until('b hears of work', () => ready.includes('net'));
    }));

  it('hear of each other: work, what people ask for, and transitions, each once', () =>
    withDatabase(async ({ open, sql }) => {
      const [a, b] = [await open(), await open()];
      const ready: string[] = [];
      const asked: [number, string][] = [];
      const seen: string[] = [];
      b.onReady(address => ready.push(address));
      b.onAsk((msgid, worker) => asked.push([msgid, worker]));
      b.onCommit(events => {
        for (const { commits } of events) for (const { msgid, seq } of commits) seen.push(`${msgid}.${seq}`);
      });
      await until('both listen', async () => (await sql(LISTENING)).length === 2);
      // The feed begins with what comes after it.
      await until('the feed tells', async () => {
        await submitOne(a, {}, { plan: planOfSteps('early bird') });
        return seen.length > 0;
      });
      seen.length = 0;
      const first = await submitOne(a);
      await until('b hears of work', () => ready.includes('net'));
      await claimOne(b, 'net', 60_000, 'w-of-b');
      await a.transact(tx => tx.ask(first, ASK));
      await until('b hears of the ask', () => asked.length > 0);
      assert.deepEqual(asked, [[first, 'w-of-b']]);
      const msgids = (await a.submit(Array.from({ length: 300 }, () => submission()))).map(
        ({ msgid }) => msgid,
      );
      for (const claim of await claimAt(a, 'net', 300)) void finish(a, claim, ok());
      const expected = new Set([`${first}.0`, ...msgids.flatMap(msgid => [`${msgid}.0`, `${msgid}.1`])]);
      await until('b has seen every transition', () => expected.isSubsetOf(new Set(seen)));
      await submitOne(b);
      assert.equal(new Set(seen).size, seen.length, 'none was told twice');
    }));

  it('find work that nobody told of', () =>
    withDatabase(async ({ open, sql }) => {
      const [a, b] = [await open(), await open()];
      const msgid = await submitOne(a);
      await claimOne(a, 'net');
      const channel = new StoreChannel(b);
      try {
        const waiting = channel.claim({
          worker: 'w', addresses: ['net'], limit: 1, leaseMs: 1000, waitMs: 30_000,
        }); // biome-ignore format: short members
        await sql('UPDATE messages SET lease_until = NULL, fence = fence + 1');
        assert.deepEqual(
          (await waiting).map(claim => claim.msgid),
          [msgid],
        );
      } finally {
        channel.close();
      }
    }));

  it('hear again after the connection on which they listen was lost', () =>
    withDatabase(async ({ open, killConnections }) => {
      const [a, b] = [await open(), await open()];
      const ready: string[] = [];
      b.onReady(address => ready.push(address));
      await killConnections(LISTENS);
      await submitOne(a);
      await until('b hears', () => ready.includes('net'));
    }));

  it('go by one clock', () =>
    withDatabase(async ({ open, sql }) => {
      const [a, b] = [await open(), await open()];
      for (const store of [a, b]) {
        const before = store.now();
        const [row] = await sql('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now');
        assert.ok(Number(row?.now) >= before, 'never ahead of the database');
      }
      await submitOne(a);
      const claim = await claimOne(a, 'net', 60_000);
      assert.ok(a.now() >= claim.leaseUntil - 60_000, 'never behind an answer');
      assert.deepEqual(await b.expireLeases(), []);
    }));
});
