import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GROUP_ADDRESS } from '../../message/address.ts';
import type { Plan } from '../../message/message.ts';
import { ok } from '../../message/outcome.ts';
import type { CommitEvent, StoreTx } from '../../store/store.ts';
import {
  claimAt,
  claimOne,
  finish,
  nextBy,
  planOfSteps,
  type StoreFactory,
  submission,
  submitOne,
  withStore,
} from './fixture.ts';

const take = (tx: StoreTx, key: string, msgid = 1): Promise<unknown> =>
  tx.db.insertInto('allocations').values({ kind: 'ip', key, msgid, detail: '{}', created: tx.now }).execute();

export function transactConformance(factory: StoreFactory): void {
  describe('transact', () => {
    it('is all or nothing, and gives what the work gave', () =>
      withStore(factory, async store => {
        const msgid = await store.transact(async tx => (await tx.submit(submission({ n: 1 }))).msgid);
        assert.deepEqual((await store.message(msgid))?.base, { n: 1 });
        await assert.rejects(
          store.transact(async tx => {
            await tx.submit(submission({ n: 2 }));
            await take(tx, 'x');
            throw new Error('changed my mind');
          }),
          /changed my mind/,
        );
        assert.equal((await store.messages({ limit: 10 })).length, 1);
        assert.deepEqual(await store.allocations(), []);
      }));

    it('runs one at a time', () =>
      withStore(factory, async store => {
        await Promise.all(
          Array.from({ length: 20 }, () =>
            store.transact(async tx => {
              const seen = await tx.allocations({ kind: 'ip' });
              await take(tx, String(seen.length));
            }),
          ),
        );
        assert.equal((await store.allocations({ kind: 'ip' })).length, 20);
      }));

    it('takes no more writes once it has ended', () =>
      withStore(factory, async store => {
        const ended = await store.transact(async tx => ({ tx }));
        await assert.rejects(take(ended.tx, 'late'));
        assert.deepEqual(await store.allocations(), []);
      }));

    it('takes back what an attempt wrote unless it is worth keeping, and hears nothing of it', () =>
      withStore(factory, async store => {
        const events: CommitEvent[] = [];
        const ready: string[] = [];
        store.onCommit(batch => events.push(...batch));
        store.onReady(address => ready.push(address));
        const plan = planOfSteps('rare thing');
        await store.transact(async tx => {
          await tx.attempt(
            async () => {
              await take(tx, 'dropped');
              await tx.submit(submission({}, { plan }));
            },
            () => false,
          );
          await tx.attempt(
            () => take(tx, 'kept'),
            () => true,
          );
          await assert.rejects(
            tx.attempt(
              async () => {
                await take(tx, 'thrown');
                throw new Error('no');
              },
              () => true,
            ),
          );
        });
        assert.deepEqual(
          (await store.allocations()).map(({ key }) => key),
          ['kept'],
        );
        assert.deepEqual([events, ready], [[], []]);
        const msgid = await submitOne(store, {}, { plan });
        assert.deepEqual(
          (await store.message(msgid))?.plan,
          plan,
          'the plan of the dropped message is kept now',
        );
        assert.equal((await store.messages({ limit: 5 })).length, 1);
      }));

    it('finds allocations by kind, key and message', () =>
      withStore(factory, async store => {
        await store.transact(async tx => {
          await take(tx, 'a', 1);
          await take(tx, 'b', 2);
        });
        assert.deepEqual(
          (await store.allocations({ msgid: 2 })).map(({ key }) => key),
          ['b'],
        );
        assert.deepEqual(
          (await store.allocations({ kind: 'ip', key: 'a' })).map(({ msgid }) => msgid),
          [1],
        );
        assert.deepEqual(await store.allocations({ kind: 'vm' }), []);
      }));
  });

  describe('children', () => {
    const group: Plan = { steps: [{ all: [{ steps: planOfSteps('net take').steps }] }] };

    it('wake their parent whenever one of them comes to rest', () =>
      withStore(factory, async store => {
        const msgid = await submitOne(store, {}, { plan: group });
        const parent = await claimOne(store, GROUP_ADDRESS);
        const link = (branch: number) => ({ msgid, step: 0, branch, generation: 1 });
        const answer = await finish(store, parent, ok(), {
          inTransaction: true,
          next: async tx => {
            const children: number[] = [];
            for (const branch of [1, 0])
              children.push(
                (
                  await tx!.submit(
                    submission({ branch }, { plan: planOfSteps('net take'), parent: link(branch) }),
                  )
                ).msgid,
              );
            return nextBy(parent, { kind: 'split', children }, tx!.now);
          },
        });
        assert.ok(answer.kind === 'written');
        assert.equal((await store.message(msgid))?.phase, 'waiting');
        assert.deepEqual(await claimAt(store, GROUP_ADDRESS), []);
        assert.deepEqual(
          (await store.messages({ limit: 9 })).map(message => message.msgid),
          [msgid],
          'children are not listed',
        );
        assert.equal((await store.messages({ limit: 9, withChildren: true })).length, 3);
        assert.equal((await store.children(msgid)).length, 2);
        const [first, second] = await claimAt(store, 'net', 2);
        await finish(store, first!, ok());
        const woken = await claimOne(store, GROUP_ADDRESS);
        assert.equal(woken.msgid, msgid);
        const seen = await store.transact(async tx => ({
          counts: await tx.countChildren(msgid, 1),
          branches: (await tx.children(msgid, 1)).map(child => child.parent?.branch),
          other: await tx.children(msgid, 2),
        }));
        assert.deepEqual(seen.counts, { open: 1, waiting: 0, done: 1, rolled_back: 0, parked: 0 });
        assert.deepEqual([seen.branches, seen.other], [[0, 1], []]);
        await finish(store, woken, { kind: 'wait' });
        await finish(store, second!, ok());
        assert.equal((await claimOne(store, GROUP_ADDRESS)).msgid, msgid);
      }));
  });

  describe('events', () => {
    it('tells of work and of transitions once they are durable, until told to stop', () =>
      withStore(factory, async store => {
        const ready: string[] = [];
        const seen: string[] = [];
        const ends = [
          store.onReady(address => ready.push(address)),
          store.onCommit(events => {
            for (const { message, commits } of events)
              seen.push(`${message.msgid} ${commits.map(({ outcome }) => outcome).join()} ${message.cursor}`);
          }),
        ];
        const msgid = await submitOne(store);
        assert.deepEqual([ready, seen], [['net'], [`${msgid} accepted 0`]]);
        const claim = await claimOne(store, 'net');
        await finish(store, claim, ok(), { keep: () => true });
        assert.deepEqual(ready, ['net'], 'a message that is kept is no work for others');
        assert.deepEqual(seen, [`${msgid} accepted 0`, `${msgid} ok 1`]);
        await store.releaseWorker('w1');
        assert.deepEqual(ready, ['net', 'disk']);
        for (const end of ends) end();
        await submitOne(store);
        assert.equal(ready.length + seen.length, 4);
      }));
  });
}
