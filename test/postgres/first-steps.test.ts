/** The first step of a message that a worker here takes at once is done by the transaction that accepts it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message } from '../../src/message/message.ts';
import { ok } from '../../src/message/outcome.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import type { Claim, FirstStep, NextState, Place, Store, Written } from '../../src/store/store.ts';
import { REAL_TIMERS, type Timers } from '../../src/store/timers.ts';
import type { Tx } from '../../src/store/tx.ts';
import {
  claimAt,
  finish,
  nextBy,
  planOfSteps,
  submission,
  submitOne,
  writeOf,
} from '../../src/testing/store-conformance/fixture.ts';
import { makeWire, postgresTests, type TestDatabase, until } from './fixture.ts';

const ONE_STEP = { plan: planOfSteps('net take') };
const TWO_STEPS = { plan: planOfSteps('net take', 'net keep') };
/** By their clock everything is quick, and time runs out late: how fast this machine is decides nothing. */
const UNHURRIED: Timers = {
  ...REAL_TIMERS,
  monotonic: () => 0,
  after: (ms, call, background) => REAL_TIMERS.after(20 * ms, call, background),
};
const key = (msgid: number): string => `a${msgid}`;

/** A worker that takes all that comes at `net`; its step takes an address. */
class Taker {
  readonly claims: Claim[] = [];
  readonly done: Written[] = [];
  freed = 0;
  readonly #store: Store;
  readonly #kind = {};
  /** Called when all of a batch have taken theirs. */
  before: () => void | Promise<void> = () => {};
  /** It cannot even say what its step is. */
  balks = false;
  /** Of these messages nothing is done together. */
  leaves: (msgid: number) => boolean = () => false;

  constructor(store: Store) {
    this.#store = store;
    store.offerAccepted(address => (address === 'net' ? this.#place() : null));
  }

  #place(): Place {
    return {
      worker: 'w1',
      leaseMs: 60_000,
      begin: claim => {
        if (this.balks) throw new Error('not at all');
        return { write: this.#write(claim), done: answer => this.done.push(answer) };
      },
      fill: claim => this.claims.push(claim),
      free: () => {
        this.freed += 1;
      },
    };
  }

  #write(claim: Claim): FirstStep['write'] {
    const next = (now: number): NextState => nextBy(claim, ok({ took: claim.msgid }), now);
    const together = {
      kind: this.#kind,
      item: claim,
      all: async (tx: Tx, items: readonly unknown[]) => {
        const left = (items as readonly Claim[]).filter(({ msgid }) => !this.leaves(msgid));
        for (const { msgid } of left)
          await tx.db
            .insertInto('allocations')
            .values({ kind: 'ip', key: key(msgid), msgid, detail: '{}', created: tx.now })
            .execute();
        await this.before();
        return (items as readonly Claim[]).map(item =>
          left.includes(item) ? nextBy(item, ok({ took: item.msgid }), tx.now) : null,
        );
      },
    };
    const alone = { inTransaction: true, next: () => next(this.#store.now()) };
    const keep = { keep: ({ address }: NextState) => address === 'net' };
    return { ...writeOf(this.#store, claim, ok(), { ...alone, ...keep }), together };
  }

  /** Does the step of what it was given, as a worker does, and has done it so quickly once that it may be done at acceptance. */
  async getGoing(sql: TestDatabase['sql']): Promise<void> {
    await until('a first step is done by the transaction that accepts', async () => {
      const msgid = await submitOne(this.#store, {}, ONE_STEP);
      for (const claim of this.claims.splice(0)) await this.#store.write(this.#write(claim));
      return (await transactionsOf(sql, msgid)) === 1;
    });
    this.freed = this.done.length = 0;
  }
}

/** Transactions that wrote the message's two commits. */
async function transactionsOf(sql: TestDatabase['sql'], msgid: number): Promise<unknown> {
  const [row] = await sql(
    'SELECT count(DISTINCT xmin::text)::int AS n, count(*)::int AS commits FROM commits WHERE msgid = $1',
    [msgid],
  );
  assert.equal(row?.commits, 2);
  return row?.n;
}

const addresses = async (store: Store): Promise<readonly string[]> =>
  (await store.allocations({ kind: 'ip' })).map(each => each.key);

describe('the first step of a message that a worker takes as it is accepted', () => {
  const tests = postgresTests();

  it('is done with its acceptance, and told of after it', () =>
    tests.withDatabase(async ({ open, sql }) => {
      const [store, there] = [await open({ timers: UNHURRIED }), await open()];
      const taker = new Taker(store);
      await taker.getGoing(sql);
      const told: Message[] = [];
      store.onCommit(events => told.push(...events.map(({ message }) => message)));
      const [accepted] = await store.submit([submission({ n: 1 }, ONE_STEP)]);
      const msgid = accepted?.msgid ?? 0;
      assert.equal(await transactionsOf(sql, msgid), 1);
      assert.deepEqual(
        told.map(({ seq, phase }) => [seq, phase]),
        [
          [0, 'open'],
          [1, 'done'],
        ],
      );
      assert.deepEqual([accepted?.created, accepted?.message?.seq, accepted?.head], [true, 0, told[0]?.head]);
      const stored = await there.message(msgid);
      assert.deepEqual([stored?.phase, stored?.worker, stored?.head], ['done', null, told[1]?.head]);
      assert.deepEqual([taker.claims, taker.freed, taker.done.length], [[], 1, 1]);
      assert.ok((await addresses(there)).includes(key(msgid)));
      const commits = await there.commits(msgid);
      assert.deepEqual([commits[1]?.set, commits[1]?.parent], [{ took: msgid }, commits[0]?.id]);
      assert.equal((await fsckStore(store.scan())).ok, true);
    }));

  it('leaves the worker with the next one, under the same claim', () =>
    tests.withDatabase(async ({ open, sql }) => {
      const [store, there] = [await open({ timers: UNHURRIED }), await open()];
      const taker = new Taker(store);
      await taker.getGoing(sql);
      const msgid = await submitOne(store, {}, TWO_STEPS);
      const [claim] = taker.claims;
      assert.deepEqual([claim?.msgid, claim?.fence, claim?.message.cursor], [msgid, 1, 1]);
      assert.deepEqual(await claimAt(there, 'net'), []);
      assert.deepEqual(await there.extend([claim!], 60_000), ['held']);
      assert.equal((await finish(store, claim!, ok())).kind, 'written');
      assert.equal((await there.message(msgid))?.phase, 'done');
      assert.equal((await fsckStore(store.scan())).ok, true);
    }));

  it('is the worker’s where it cannot be done together', () =>
    tests.withDatabase(async ({ open, sql }) => {
      const store = await open({ timers: UNHURRIED });
      const taker = new Taker(store);
      await taker.getGoing(sql);
      taker.leaves = msgid => msgid % 2 === 0;
      const accepted = await store.submit([1, 2, 3, 4].map(n => submission({ n }, ONE_STEP)));
      const even = accepted.map(({ msgid }) => msgid).filter(msgid => msgid % 2 === 0);
      assert.deepEqual(
        taker.claims.map(({ msgid, message }) => [msgid, message.seq]),
        even.map(msgid => [msgid, 0]),
      );
      assert.deepEqual([taker.freed, taker.done.length], [2, 2]);
      for (const claim of taker.claims) assert.equal((await finish(store, claim, ok())).kind, 'written');
      assert.equal((await fsckStore(store.scan())).ok, true);
    }));

  it('never keeps its message from being accepted: nothing that it wrote is kept, and it is done afterwards', () =>
    tests.withDatabase(async ({ open, sql }) => {
      const store = await open({ timers: { ...REAL_TIMERS, monotonic: () => 0 } });
      const taker = new Taker(store);
      const faults: [string, () => void | Promise<void>][] = [
        [
          'it throws at once',
          () => {
            throw new Error('not today');
          },
        ],
        ['it throws', () => Promise.reject(new Error('changed my mind'))],
        ['it never ends', () => new Promise(() => {})],
        ['it does not begin', () => {}],
      ];
      for (const [what, fault] of faults) {
        taker.before = () => {};
        await taker.getGoing(sql);
        taker.before = fault;
        taker.balks = what === 'it does not begin';
        const msgid = await submitOne(store, { what }, ONE_STEP);
        taker.before = () => {};
        taker.balks = false;
        const [claim] = taker.claims.splice(0);
        assert.deepEqual([claim?.msgid, claim?.message.seq], [msgid, 0], what);
        assert.deepEqual([taker.freed, taker.done], [0, []], what);
        assert.ok(!(await addresses(store)).includes(key(msgid)), what);
        assert.equal((await store.message(msgid))?.worker, 'w1', what);
        assert.equal((await finish(store, claim!, ok())).kind, 'written', what);
      }
      assert.equal((await fsckStore(store.scan())).ok, true);
    }));

  it('waits for nobody: while another transaction has the store for itself, messages are accepted without it', () =>
    tests.withDatabase(async ({ open, sql }) => {
      const [store, there] = [await open({ timers: UNHURRIED }), await open()];
      const taker = new Taker(store);
      await taker.getGoing(sql);
      const over = Promise.withResolvers<void>();
      const begun = Promise.withResolvers<void>();
      const exclusive = there.transact(async () => {
        begun.resolve();
        await over.promise;
      });
      await begun.promise;
      // Steps that wait for it keep all connections for steps.
      const steps = Array.from({ length: 5 }, () => store.transactBeside(async () => {}));
      const msgid = await submitOne(store, {}, ONE_STEP);
      over.resolve();
      await Promise.all([exclusive, ...steps]);
      assert.deepEqual(
        taker.claims.map(claim => claim.msgid),
        [msgid],
      );
      assert.equal((await store.message(msgid))?.seq, 0);
    }));

  it('is done once for a key, whoever makes its message', () =>
    tests.withDatabase(async ({ open, sql }) => {
      const [here, there] = [await open({ timers: UNHURRIED }), await open({ timers: UNHURRIED })];
      const takers = [new Taker(here), new Taker(there)];
      for (const taker of takers) await taker.getGoing(sql);
      for (let n = 0; n < 20; n++) {
        const race = { ...ONE_STEP, idempotencyKey: `r${n}` };
        const [a, b] = await Promise.all([submitOne(here, {}, race), submitOne(there, {}, race)]);
        assert.equal(a, b);
        const left = takers.flatMap(({ claims }) => claims.splice(0));
        for (const claim of left) assert.equal((await finish(here, claim, ok())).kind, 'written');
        assert.equal((await here.message(a))?.seq, 1);
      }
      assert.deepEqual((await fsckStore(here.scan(), { gapsPossible: true })).faults, []);
    }));

  it('is done once although the answer of the database was lost', () =>
    tests.withDatabase(async ({ open, url, sql }) => {
      const wire = await makeWire(tests.cluster.port);
      try {
        const store = await open({
          url: url.replace(String(tests.cluster.port), String(wire.port)),
          timers: UNHURRIED,
        });
        const taker = new Taker(store);
        for (const bytes of ['find-me', 'COMMIT']) {
          await taker.getGoing(sql);
          const before = (await addresses(store)).length;
          const lost = wire.loseAnswerTo(bytes);
          const msgid = await submitOne(store, { it: 'find-me' }, ONE_STEP);
          await lost;
          const left = taker.claims.splice(0);
          for (const claim of left) assert.equal((await finish(store, claim, ok())).kind, 'written');
          const held = (await addresses(store)).length - before;
          assert.deepEqual([left.length + held, taker.freed], [1, held], bytes);
          const stored = await store.message(msgid);
          assert.deepEqual([stored?.phase, stored?.seq], ['done', 1], bytes);
        }
        assert.equal((await fsckStore(store.scan())).ok, true);
      } finally {
        await wire.close();
      }
    }));
});
