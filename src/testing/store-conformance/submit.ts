import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCoaxError } from '../../errors/coax-error.ts';
import { commitId, encodeCommit } from '../../ledger/commit.ts';
import { planOfSteps, type StoreFactory, submission, submitOne, withStore } from './fixture.ts';

export function submitConformance(factory: StoreFactory): void {
  describe('submit', () => {
    it('accepts a message with its first commit', () =>
      withStore(factory, async store => {
        const [accepted] = await store.submit([submission({ cpu: 2 })]);
        assert.ok(accepted?.created);
        const message = await store.message(accepted.msgid);
        assert.equal(message?.phase, 'open');
        assert.equal(message.head, accepted.head);
        assert.deepEqual([message.seq, message.cursor, message.fence, message.begun], [0, 0, 0, 0]);
        assert.deepEqual(message.base, { cpu: 2 });
        const [commit] = await store.commits(accepted.msgid);
        assert.equal(commit?.outcome, 'accepted');
        assert.deepEqual(commit.set, { cpu: 2 });
        const { id, ...body } = commit;
        assert.equal(commitId(encodeCommit(body)), id);
        assert.deepEqual(await store.plan(message.planHash), message.plan);
      }));

    it('answers with the message as it is read, and with none when the key was seen before', () =>
      withStore(factory, async store => {
        const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        const more = { labels: { zone: 'a' }, trace: { traceparent }, idempotencyKey: 'k' };
        const [first] = await store.submit([submission({ cpu: 2, tags: ['x', null] }, more)]);
        assert.deepEqual(first?.message, await store.message(first!.msgid));
        const [again] = await store.submit([submission({ cpu: 2, tags: ['x', null] }, more)]);
        assert.deepEqual([again?.created, again?.message], [false, null]);
      }));

    it('answers in the order of the batch, with growing msgids', () =>
      withStore(factory, async store => {
        const answers = await store.submit(Array.from({ length: 50 }, (_, n) => submission({ n })));
        const msgids = answers.map(({ msgid }) => msgid);
        assert.deepEqual(
          msgids,
          [...msgids].sort((a, b) => a - b),
        );
        for (const [n, msgid] of msgids.entries())
          assert.deepEqual((await store.message(msgid))?.base, { n });
      }));

    it('gives the same message for the same key, in one batch, at once and later', () =>
      withStore(factory, async store => {
        const again = submission({ cpu: 1 }, { idempotencyKey: 'k' });
        const both = await store.submit([again, again]);
        const more = await Promise.all([store.submit([again]), store.submit([again])]);
        const all = [...both, ...more.flat()];
        assert.equal(new Set(all.map(({ msgid }) => msgid)).size, 1);
        assert.equal(new Set(all.map(({ head }) => head)).size, 1);
        assert.deepEqual(
          all.map(({ created }) => created),
          [true, false, false, false],
        );
        assert.equal((await store.messages({ limit: 10 })).length, 1);
      }));

    it('refuses another request under a key, and accepts nothing of its batch', () =>
      withStore(factory, async store => {
        await submitOne(store, { cpu: 1 }, { idempotencyKey: 'k' });
        await assert.rejects(
          store.submit([submission({ n: 1 }), submission({ cpu: 2 }, { idempotencyKey: 'k' })]),
          error => isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT'),
        );
        assert.equal((await store.messages({ limit: 10 })).length, 1);
        const next = await submitOne(store);
        assert.ok((await store.message(next)) !== null);
      }));

    it('tells requests with their own plans apart by the plan, and those of a flow by its name', () =>
      withStore(factory, async store => {
        const one = { idempotencyKey: 'own', planIsOwn: true, plan: planOfSteps('one') };
        const [first] = await store.submit([submission({}, one)]);
        const [again] = await store.submit([submission({}, one)]);
        assert.equal(again?.msgid, first?.msgid);
        await assert.rejects(store.submit([submission({}, { ...one, plan: planOfSteps('two') })]), error =>
          isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT'),
        );
        // A flow's plan names code, and code may change between two equal requests.
        const ofFlow = { idempotencyKey: 'flow', plan: planOfSteps('one') };
        const [before] = await store.submit([submission({}, ofFlow)]);
        const [after] = await store.submit([submission({}, { ...ofFlow, plan: planOfSteps('two') })]);
        assert.equal(after?.msgid, before?.msgid);
      }));

    it('keeps a plan that was refused with its batch when it comes again', () =>
      withStore(factory, async store => {
        await submitOne(store, { cpu: 1 }, { idempotencyKey: 'k' });
        const plan = planOfSteps('never seen');
        await assert.rejects(
          store.submit([submission({}, { plan }), submission({}, { idempotencyKey: 'k' })]),
        );
        const msgid = await submitOne(store, {}, { plan });
        assert.deepEqual((await store.message(msgid))?.plan, plan);
        assert.ok(await store.plan((await store.message(msgid))?.planHash ?? ''));
      }));

    it('one request that cannot be kept fails alone', () =>
      withStore(factory, async store => {
        const [good, bad, other] = await Promise.allSettled([
          store.submit([submission({ n: 1 })]),
          store.submit([submission({ text: '\ud800' })]),
          store.submit([submission({ n: 2 })]),
        ]);
        assert.deepEqual([good.status, bad.status, other.status], ['fulfilled', 'rejected', 'fulfilled']);
        assert.equal((await store.messages({ limit: 10 })).length, 2);
      }));
  });
}
