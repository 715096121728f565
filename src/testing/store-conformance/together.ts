import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome } from '../../message/outcome.ts';
import { ok } from '../../message/outcome.ts';
import type { Claim, NextState, Store, StoreTx, Write, WriteAnswer } from '../../store/store.ts';
import type { Together } from '../../store/tx.ts';
import { claimAt, nextBy, type StoreFactory, submitOne, withStore, writeOf } from './fixture.ts';

const take = (tx: Pick<StoreTx, 'db' | 'now'>, key: string, msgid: number): Promise<unknown> =>
  tx.db.insertInto('allocations').values({ kind: 'ip', key, msgid, detail: '{}', created: tx.now }).execute();

interface Item {
  readonly claim: Claim;
  next(tx: Pick<StoreTx, 'now'>): NextState;
}

/** What is done of claims, each with an allocation of its own: together and alone. */
class Work {
  readonly together: number[][] = [];
  readonly alone: number[] = [];
  readonly #kind = {};
  /** Of these messages nothing is done together. */
  readonly left = new Set<number>();
  /** Called when all of a batch have taken theirs. */
  before: () => void = () => {};

  write(
    store: Store,
    claim: Claim,
    more: Partial<Write> = {},
    outcome: Outcome = ok(),
  ): Promise<WriteAnswer> {
    const next = (tx: Pick<StoreTx, 'now'>): NextState => nextBy(claim, outcome, tx.now);
    const together: Together<NextState> = {
      kind: this.#kind,
      item: { claim, next } satisfies Item,
      all: async (tx, items) => {
        const each = items as readonly Item[];
        const claims = each.map(item => item.claim);
        this.together.push(claims.map(({ msgid }) => msgid));
        const done = claims.map(({ msgid }) => !this.left.has(msgid));
        for (const [at, { msgid }] of claims.entries()) if (done[at]) await take(tx, `a${msgid}`, msgid);
        this.before();
        return each.map((item, at) => (done[at] ? item.next(tx) : null));
      },
    };
    return store.write(
      writeOf(store, claim, outcome, {
        inTransaction: true,
        next: async tx => {
          this.alone.push(claim.msgid);
          await take(tx!, `a${claim.msgid}`, claim.msgid);
          return next(tx!);
        },
        together,
        ...more,
      }),
    );
  }
}

async function claims(store: Store, count: number): Promise<readonly Claim[]> {
  for (let made = 0; made < count; made++) await submitOne(store);
  return claimAt(store, 'net', count);
}

/** Each of them holds what its step took, once, and has moved. */
async function assertDone(store: Store, msgids: readonly number[]): Promise<void> {
  const held = await store.allocations({ kind: 'ip' });
  assert.deepEqual(held.map(({ key }) => key).sort(), msgids.map(msgid => `a${msgid}`).sort());
  for (const msgid of msgids) assert.equal((await store.message(msgid))?.seq, 1);
}

export function togetherConformance(factory: StoreFactory): void {
  const isShared = factory.capabilities.shared;

  describe('steps of many messages together', () => {
    it('move each message with what its step wrote', () =>
      withStore(factory, async store => {
        const work = new Work();
        const events: number[] = [];
        store.onCommit(batch => events.push(...batch.map(({ message }) => message.msgid)));
        const all = await claims(store, 5);
        events.length = 0;
        const keep = (claim: Claim) => ({ keep: () => claim.msgid % 2 === 0 });
        const answers = await Promise.all(all.map(claim => work.write(store, claim, keep(claim))));
        const msgids = all.map(({ msgid }) => msgid);
        assert.deepEqual(
          answers.map(answer => answer.kind === 'written' && answer.claim !== null),
          msgids.map(msgid => msgid % 2 === 0),
        );
        await assertDone(store, msgids);
        assert.deepEqual([work.together, work.alone], isShared ? [[msgids], []] : [[], msgids]);
        assert.deepEqual(events.sort(), msgids);
        assert.equal(
          (await claimAt(store, 'disk', 9)).length,
          3,
          'the others are free for whoever serves the next step',
        );
      }));

    it('leave to itself what cannot be done so', () =>
      withStore(factory, async store => {
        const work = new Work();
        const all = await claims(store, 3);
        work.left.add(all[1]!.msgid);
        await Promise.all(all.map(claim => work.write(store, claim)));
        await assertDone(
          store,
          all.map(({ msgid }) => msgid),
        );
        if (isShared) assert.deepEqual(work.alone, [all[1]!.msgid]);
      }));

    it('keep nothing when one cannot be kept, and are done one by one', () =>
      withStore(factory, async store => {
        const work = new Work();
        const all = await claims(store, 3);
        const answers = await Promise.allSettled([
          work.write(store, all[0]!),
          work.write(store, all[1]!, {}, ok({ n: Number.NaN })),
          work.write(store, all[2]!),
        ]);
        assert.deepEqual(
          answers.map(({ status }) => status),
          ['fulfilled', 'rejected', 'fulfilled'],
        );
        await assertDone(
          store,
          [all[0]!, all[2]!].map(({ msgid }) => msgid),
        );
        work.before = () => {
          throw new Error('changed my mind');
        };
        const more = await claims(store, 2);
        await Promise.all(more.map(claim => work.write(store, claim)));
        await assertDone(
          store,
          [all[0]!, all[2]!, ...more].map(({ msgid }) => msgid),
        );
      }));

    it('leave nothing of a claim that is history, and do the others', () =>
      withStore(factory, async store => {
        const work = new Work();
        const all = await claims(store, 3);
        await store.release([all[1]!], true);
        const answers = await Promise.all(all.map(claim => work.write(store, claim)));
        assert.deepEqual(
          answers.map(({ kind }) => kind),
          ['written', 'lost', 'written'],
        );
        await assertDone(
          store,
          [all[0]!, all[2]!].map(({ msgid }) => msgid),
        );
      }));

    it('tell of what a person asked meanwhile, and leave nothing of it', () =>
      withStore(factory, async store => {
        const work = new Work();
        const all = await claims(store, 2);
        const ask = { kind: 'cancel', actor: 'ann', reason: 'enough' } as const;
        await store.transact(tx => tx.ask(all[0]!.msgid, ask));
        const answers = await Promise.all(all.map(claim => work.write(store, claim)));
        assert.deepEqual(
          answers.map(({ kind }) => kind),
          ['asked', 'written'],
        );
        await assertDone(store, [all[1]!.msgid]);
      }));
  });

  describe('transactions beside each other', () => {
    it('are all or nothing', () =>
      withStore(factory, async store => {
        const gave = await store.transactBeside(async tx => {
          await take(tx, 'kept', 1);
          return 'gave';
        });
        assert.equal(gave, 'gave');
        await assert.rejects(
          store.transactBeside(async tx => {
            await take(tx, 'dropped', 1);
            throw new Error('changed my mind');
          }),
          /changed my mind/,
        );
        assert.deepEqual(
          (await store.allocations()).map(({ key }) => key),
          ['kept'],
        );
      }));

    it('never run while one of `transact` does', () =>
      withStore(factory, async store => {
        let open = 0;
        let alone = 0;
        const beside = (at: number) =>
          store.transactBeside(async tx => {
            assert.equal(alone, 0);
            open += 1;
            await take(tx, `beside ${at}`, at);
            assert.equal(alone, 0);
            open -= 1;
          });
        const single = (at: number) =>
          store.transact(async tx => {
            assert.equal(open + alone, 0);
            alone += 1;
            await take(tx, `alone ${at}`, at);
            assert.equal(open, 0);
            alone -= 1;
          });
        await Promise.all(Array.from({ length: 30 }, (_, at) => (at % 3 === 0 ? single(at) : beside(at))));
        assert.equal((await store.allocations()).length, 30);
      }));

    if (isShared)
      it('run at the same time', () =>
        withStore(factory, async store => {
          const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
          // Each ends only once the other has begun.
          await Promise.all(
            [0, 1].map(at =>
              store.transactBeside(async tx => {
                await take(tx, String(at), at);
                gates[at]!.resolve();
                await gates[1 - at]!.promise;
              }),
            ),
          );
          assert.equal((await store.allocations()).length, 2);
        }));
  });
}
