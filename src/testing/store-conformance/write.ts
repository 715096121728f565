import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ok, terminal } from '../../message/outcome.ts';
import { parametersOf } from '../../message/parameters.ts';
import { claimAt, claimOne, finish, nextBy, type StoreFactory, submitOne, withStore } from './fixture.ts';

const ASK = { kind: 'cancel', actor: 'ann', reason: 'enough' } as const;

export function writeConformance(factory: StoreFactory): void {
  describe('write', () => {
    it('moves the message, chains its commit and frees the lease', () =>
      withStore(factory, async store => {
        const msgid = await submitOne(store, { cpu: 1 });
        const answer = await finish(store, await claimOne(store, 'net'), ok({ ip: 'x' }));
        assert.equal(answer.kind, 'written');
        const message = await store.message(msgid);
        assert.ok(message !== null);
        assert.deepEqual([message.cursor, message.seq, message.leaseUntil, message.begun], [1, 1, null, 0]);
        assert.deepEqual(parametersOf(message), { cpu: 1, ip: 'x' });
        const commits = await store.commits(msgid);
        assert.equal(commits[1]?.parent, commits[0]?.id);
        assert.equal(commits[1]?.id, message.head);
      }));

    it('keeps the lease for the next step when asked to', () =>
      withStore(factory, async store => {
        await submitOne(store);
        const claim = await claimOne(store, 'net');
        const answer = await finish(store, claim, ok(), { keep: () => true });
        assert.ok(answer.kind === 'written' && answer.claim !== null);
        assert.deepEqual(await claimAt(store, 'disk'), []);
        const end = await finish(store, answer.claim, ok(), { keep: () => true });
        assert.ok(end.kind === 'written');
        assert.equal(end.claim, null, 'a message at rest is nobody’s');
        assert.deepEqual([end.message.phase, end.message.leaseUntil], ['done', null]);
      }));

    it('takes a transition once, and none of a claim that is history', () =>
      withStore(factory, async store => {
        const msgid = await submitOne(store);
        const claim = await claimOne(store, 'net');
        const answers = await Promise.all([finish(store, claim, ok()), finish(store, claim, ok())]);
        assert.deepEqual(answers.map(({ kind }) => kind).sort(), ['lost', 'written']);
        const late = await claimOne(store, 'disk', -1);
        await store.expireLeases();
        const owner = await claimOne(store, 'disk', 60_000, 'w2');
        assert.equal((await finish(store, late, ok({ by: 'late' }))).kind, 'lost');
        assert.equal((await finish(store, owner, ok({ by: 'owner' }))).kind, 'written');
        assert.equal((await store.message(msgid))?.seq, 2);
      }));

    it('one outcome that cannot be kept fails alone', () =>
      withStore(factory, async store => {
        for (let i = 0; i < 3; i++) await submitOne(store);
        const [a, b, c] = await claimAt(store, 'net', 3);
        const answers = await Promise.allSettled([
          finish(store, a!, ok({ n: 1 })),
          finish(store, b!, ok({ n: Number.NaN })),
          finish(store, c!, ok({ n: 3 })),
        ]);
        assert.deepEqual(
          answers.map(({ status }) => status),
          ['fulfilled', 'rejected', 'fulfilled'],
        );
        assert.equal((await store.message(a!.msgid))?.cursor, 1);
        assert.equal((await store.message(b!.msgid))?.cursor, 0);
        assert.equal((await finish(store, b!, ok())).kind, 'written');
      }));

    it('what the transaction of a lost claim would write is never begun', () =>
      withStore(factory, async store => {
        await submitOne(store);
        const claim = await claimOne(store, 'net');
        await finish(store, claim, ok());
        let begun = false;
        const answer = await finish(store, claim, ok(), {
          inTransaction: true,
          next: () => {
            begun = true;
            return nextBy(claim, ok(), store.now());
          },
        });
        assert.equal(answer.kind, 'lost');
        assert.equal(begun, false);
      }));

    it('writes what the step wrote and the move together, or neither', () =>
      withStore(factory, async store => {
        const msgid = await submitOne(store);
        const allocate = (fail: boolean, claim: Awaited<ReturnType<typeof claimOne>>) =>
          finish(store, claim, ok(), {
            inTransaction: true,
            next: async tx => {
              await tx!.db
                .insertInto('allocations')
                .values({ kind: 'ip', key: 'x', msgid, detail: '{}', created: tx!.now })
                .execute();
              if (fail) throw new Error('no');
              return nextBy(claim, ok({ ip: 'x' }), tx!.now);
            },
          });
        const claim = await claimOne(store, 'net');
        await assert.rejects(allocate(true, claim));
        assert.deepEqual(await store.allocations(), []);
        assert.equal((await store.message(msgid))?.cursor, 0);
        assert.equal((await allocate(false, claim)).kind, 'written');
        assert.deepEqual(await store.allocations({ msgid }), [
          { kind: 'ip', key: 'x', msgid, detail: {}, created: (await store.allocations())[0]?.created },
        ]);
        assert.equal((await store.message(msgid))?.cursor, 1);
      }));
  });

  describe('what a person asks of a message that is held', () => {
    it('is told to its holder, kept from writers who do not know, and obeyed with the outcome', () =>
      withStore(factory, async store => {
        const msgid = await submitOne(store);
        const heard: [number, string][] = [];
        const end = store.onAsk((id, worker) => heard.push([id, worker]));
        assert.equal(await store.transact(tx => tx.ask(msgid, ASK)), false, 'nobody holds it');
        const claim = await claimOne(store, 'net', 60_000, 'w3');
        assert.equal(await store.transact(tx => tx.ask(msgid, ASK)), true);
        await assert.rejects(
          store.transact(tx => tx.ask(msgid, ASK)),
          { code: 'COAX_MESSAGE_STATE' },
        );
        assert.deepEqual(heard, [[msgid, 'w3']]);
        end();
        assert.deepEqual(await store.extend([claim], 1000), [{ ask: ASK }]);
        const answer = await finish(store, claim, ok());
        assert.ok(answer.kind === 'asked');
        assert.deepEqual(answer.claim.message.ask, ASK);
        assert.equal((await store.message(msgid))?.seq, 0, 'nothing was written');
        assert.equal((await finish(store, answer.claim, ok(), { obeys: true })).kind, 'written');
        assert.equal((await store.message(msgid))?.ask, null);
      }));

    it('stays with a message whose holder dies', () =>
      withStore(factory, async store => {
        const msgid = await submitOne(store);
        await claimOne(store, 'net', 60_000, 'dead');
        await store.transact(tx => tx.ask(msgid, ASK));
        await store.releaseWorker('dead');
        assert.deepEqual((await claimOne(store, 'net')).message.ask, ASK);
      }));
  });

  describe('a message moved by a person', () => {
    it('leaves the worker that held it with nothing', () =>
      withStore(factory, async store => {
        const msgid = await submitOne(store);
        const claim = await claimOne(store, 'net');
        await store.transact(async tx => {
          const message = await tx.message(msgid);
          return tx.move(message!, nextBy({ ...claim, message: message! }, terminal('E', 'no'), tx.now));
        });
        assert.equal((await finish(store, claim, ok())).kind, 'lost');
        assert.equal((await store.message(msgid))?.mode, 'rollback');
        await assert.rejects(
          store.transact(tx => tx.move(claim.message, nextBy(claim, ok(), tx.now))),
          { code: 'COAX_LEASE_LOST' },
        );
      }));
  });
}
