import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ok, retryable } from '../../message/outcome.ts';
import {
  claimAt,
  claimOne,
  finish,
  planOfSteps,
  type StoreFactory,
  submitOne,
  withStore,
} from './fixture.ts';

export function claimConformance(factory: StoreFactory): void {
  describe('claim', () => {
    it('gives the oldest first, and each message once', () =>
      withStore(factory, async store => {
        const msgids: number[] = [];
        for (let i = 0; i < 10; i++) msgids.push(await submitOne(store, { i }));
        const batches = await Promise.all([
          claimAt(store, 'net', 4),
          claimAt(store, 'net', 4),
          claimAt(store, 'net', 4),
        ]);
        assert.deepEqual(
          batches.map(batch => batch.length),
          [4, 4, 2],
        );
        assert.deepEqual(
          batches.flat().map(({ msgid }) => msgid),
          msgids,
        );
        assert.deepEqual(await claimAt(store, 'net'), []);
      }));

    it('gives only what stands at the addresses asked for, as many as asked for', () =>
      withStore(factory, async store => {
        const at = await submitOne(
          store,
          { host: 'h1' },
          { plan: { steps: [{ ...planOfSteps('net take').steps[0]!, at: 'host' } as never] } },
        );
        const plain = await submitOne(store);
        assert.deepEqual(await claimAt(store, 'disk', 10), []);
        assert.deepEqual(await claimAt(store, 'net', 0), []);
        assert.deepEqual(await claimAt(store, 'net@h2', 10), []);
        assert.deepEqual(
          (await claimAt(store, 'net@h1', 10)).map(({ msgid }) => msgid),
          [at],
        );
        assert.deepEqual(
          (await claimAt(store, 'net', 10)).map(({ msgid }) => msgid),
          [plain],
        );
      }));

    it('takes from several addresses up to the limit', () =>
      withStore(factory, async store => {
        await submitOne(store, {}, { plan: planOfSteps('a x') });
        await submitOne(store, {}, { plan: planOfSteps('b x') });
        await submitOne(store, {}, { plan: planOfSteps('b x') });
        const claims = await store.claim({ worker: 'w1', addresses: ['a', 'b'], limit: 2, leaseMs: 1000 });
        assert.equal(claims.length, 2);
        assert.equal(
          (await store.claim({ worker: 'w1', addresses: ['a', 'b'], limit: 9, leaseMs: 1000 })).length,
          1,
        );
      }));

    it('says how long it lasts, and the message shows who has it', () =>
      withStore(factory, async store => {
        await submitOne(store);
        const before = store.now();
        const claim = await claimOne(store, 'net', 5000, 'w7');
        assert.ok(claim.leaseUntil >= before + 5000 && claim.leaseUntil <= store.now() + 5000);
        const message = await store.message(claim.msgid);
        assert.deepEqual(
          [message?.worker, message?.leaseUntil, message?.fence],
          ['w7', claim.leaseUntil, claim.fence],
        );
        assert.equal(message?.begun, 1);
      }));

    it('does not give a message before its backoff is over', () =>
      withStore(factory, async store => {
        await submitOne(store);
        const claim = await claimOne(store, 'net');
        await finish(store, claim, retryable('E', 'later', 60_000));
        assert.deepEqual(await claimAt(store, 'net'), []);
        assert.deepEqual(await store.readyAddresses(), []);
        const [waiting] = await store.messages({ status: 'waiting', limit: 5 });
        assert.equal(waiting?.msgid, claim.msgid);
      }));

    it('tells which addresses have work', () =>
      withStore(factory, async store => {
        await submitOne(store, {}, { plan: planOfSteps('a x', 'c x') });
        await submitOne(store, {}, { plan: planOfSteps('b x') });
        assert.deepEqual([...(await store.readyAddresses())].sort(), ['a', 'b']);
        await finish(store, await claimOne(store, 'a'), ok());
        await claimOne(store, 'b');
        assert.deepEqual(await store.readyAddresses(), ['c']);
      }));
  });

  describe('extend', () => {
    it('holds a claim for longer, and says when it is lost', () =>
      withStore(factory, async store => {
        await submitOne(store);
        const claim = await claimOne(store, 'net', 1000);
        assert.deepEqual(await store.extend([claim], 100_000), ['held']);
        const message = await store.message(claim.msgid);
        assert.ok((message?.leaseUntil ?? 0) > claim.leaseUntil + 50_000);
        assert.deepEqual(
          await store.extend(
            [
              { msgid: claim.msgid, fence: claim.fence + 1 },
              { msgid: 999, fence: 1 },
            ],
            10,
          ),
          ['lost', 'lost'],
        );
        await store.release([claim], true);
        assert.deepEqual(await store.extend([claim], 1000), ['lost']);
      }));

    it('a lease that was extended is not cut short by a kept transition', () =>
      withStore(factory, async store => {
        await submitOne(store);
        const claim = await claimOne(store, 'net', 1000);
        await store.extend([claim], 600_000);
        const answer = await finish(
          store,
          claim,
          { kind: 'terminal', error: { code: 'E', reason: 'no' } },
          { keep: () => true },
        );
        assert.equal(answer.kind, 'written');
        const message = await store.message(claim.msgid);
        assert.ok((message?.leaseUntil ?? 0) > store.now() + 300_000);
      }));
  });

  describe('release and the end of leases', () => {
    it('makes the message claimable at once, with another fence', () =>
      withStore(factory, async store => {
        await submitOne(store);
        const claim = await claimOne(store, 'net');
        await store.release([claim], false);
        assert.equal((await store.message(claim.msgid))?.begun, 0);
        const again = await claimOne(store, 'net', 1000, 'w2');
        assert.ok(again.fence > claim.fence);
        await store.release([claim], false);
        assert.equal((await store.message(claim.msgid))?.worker, 'w2', 'a stale release does nothing');
        await store.release([again], true);
        assert.equal((await store.message(claim.msgid))?.begun, 1);
      }));

    it('gives back all that a dead worker holds', () =>
      withStore(factory, async store => {
        for (let i = 0; i < 3; i++) await submitOne(store);
        await claimAt(store, 'net', 2, 60_000, 'dead');
        await claimAt(store, 'net', 1, 60_000, 'alive');
        assert.equal(await store.releaseWorker('dead'), 2);
        assert.equal(await store.releaseWorker('dead'), 0);
        assert.equal((await claimAt(store, 'net', 10)).length, 2);
      }));

    it('gives back what was held for too long, and only that', () =>
      withStore(factory, async store => {
        await submitOne(store);
        await submitOne(store);
        const short = await claimOne(store, 'net', -1);
        await claimOne(store, 'net', 60_000);
        assert.deepEqual([...new Set(await store.expireLeases())], ['net']);
        assert.deepEqual(
          (await claimAt(store, 'net', 10)).map(({ msgid }) => msgid),
          [short.msgid],
        );
        assert.equal((await finish(store, short, ok())).kind, 'lost');
      }));
  });
}
