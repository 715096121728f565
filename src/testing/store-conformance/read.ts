import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCoaxError } from '../../errors/coax-error.ts';
import { foldCommits } from '../../ledger/fold.ts';
import { parseSelector } from '../../message/carried/selector.ts';
import { ok, retryable, terminal } from '../../message/outcome.ts';
import { fsckStore } from '../../store/fsck.ts';
import type { MessageQuery } from '../../store/store.ts';
import {
  claimAt,
  claimOne,
  finish,
  finishAll,
  planOfSteps,
  type StoreFactory,
  submission,
  submitOne,
  withStore,
} from './fixture.ts';

export function readConformance(factory: StoreFactory): void {
  describe('reading', () => {
    it('lists messages newest first, by page, status and flow', () =>
      withStore(factory, async store => {
        const plan = planOfSteps('net take');
        for (let i = 0; i < 6; i++)
          await submitOne(store, { i }, { plan, flow: i % 2 === 0 ? 'even' : 'odd' });
        const claims = await claimAt(store, 'net', 4);
        await finish(store, claims[0]!, ok());
        await finish(store, claims[1]!, terminal('E', 'no'));
        await finish(store, claims[2]!, retryable('E', 'later', 60_000));
        const page = await store.messages({ limit: 4 });
        const rest = await store.messages({ limit: 4, before: page[3]!.msgid });
        const all = [...page, ...rest].map(({ msgid }) => msgid);
        assert.deepEqual(
          all,
          [...all].sort((a, b) => b - a),
        );
        assert.equal(all.length, 6);
        const of = async (status: 'queued' | 'running' | 'waiting' | 'done' | 'rolled_back') =>
          (await store.messages({ status, limit: 9 })).map(({ base }) => base.i);
        assert.deepEqual(await of('done'), [0]);
        assert.deepEqual(await of('waiting'), [2]);
        assert.deepEqual(await of('running'), [3]);
        assert.deepEqual(await of('queued'), [5, 4, 1], 'a message on its way back waits for a worker too');
        assert.deepEqual(
          (await store.messages({ flow: 'odd', limit: 9 })).map(({ base }) => base.i),
          [5, 3, 1],
        );
        await finishAll(store, 'net', ok());
        assert.deepEqual(await of('rolled_back'), [1]);
        assert.deepEqual(await store.counts(), {
          queued: 0,
          running: 1,
          waiting: 1,
          done: 3,
          rolled_back: 1,
          parked: 0,
        });
      }));

    it('finds and counts what waits for a person to approve', () =>
      withStore(factory, async store => {
        const plan = planOfSteps('approval give', 'net take');
        for (const project of ['default', 'default', 'red', 'red'])
          await submitOne(store, {}, { plan, project });
        await submitOne(store, {}, { plan: planOfSteps('net take') });
        const found = async (more: Partial<MessageQuery> = {}) =>
          (await store.messages({ awaiting: true, limit: 9, ...more })).map(({ msgid }) => msgid);
        assert.deepEqual(await found(), [], 'nobody has asked yet');
        const claims = [...(await claimAt(store, 'approval', 4))].sort(
          (a, b) => a.message.msgid - b.message.msgid,
        );
        const [first, second, third, fourth] = claims.map(({ message }) => message.msgid);
        for (const claim of claims.slice(0, 3))
          await finish(store, claim, retryable('COAX_APPROVAL_AWAITED', 'a person must approve', 60_000));
        await finish(store, claims[3]!, ok());
        await finishAll(store, 'net', retryable('E', 'later', 60_000));
        assert.deepEqual(await found(), [third, second, first]);
        assert.ok(!(await found()).includes(fourth!));
        assert.deepEqual(await found({ projects: ['default'] }), [second, first]);
        assert.deepEqual(await found({ projects: ['red'], status: 'waiting' }), [third]);
        assert.deepEqual(await found({ before: third! }), [second, first]);
        const counted = await Promise.all(
          [undefined, ['red'], ['default', 'red'], []].map(of => store.countAwaiting(of)),
        );
        assert.deepEqual(counted, [3, 1, 3, 0]);
      }));

    it('finds messages by their labels, which belong to what a key stands for', () =>
      withStore(factory, async store => {
        const trace = {
          traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
          tracestate: 'a=1',
        };
        const plan = planOfSteps('net take');
        const all = [{ env: 'prod', tier: 'web' }, { env: 'prod' }, { env: 'dev', tier: '' }, {}];
        for (const [i, labels] of all.entries())
          await submitOne(store, { i }, { plan, labels, ...(i === 0 && { trace }) });
        const found = async (selector: string, more: Partial<MessageQuery> = {}) =>
          (await store.messages({ selector: parseSelector(selector), limit: 9, ...more })).map(
            ({ base }) => base.i,
          );
        assert.deepEqual(await found(''), [3, 2, 1, 0]);
        assert.deepEqual(await found('env=prod'), [1, 0]);
        assert.deepEqual(await found('env=prod', { limit: 1 }), [1]);
        assert.deepEqual(await found('env=prod,tier'), [0]);
        assert.deepEqual(await found('env!=prod'), [3, 2]);
        assert.deepEqual(await found('env in (dev,test),tier='), [2]);
        assert.deepEqual(await found('!tier'), [3, 1]);
        assert.deepEqual(await found('env notin (dev),env,!tier'), [1]);
        assert.deepEqual(await found('nothing'), []);
        const [first] = (await store.messages({ limit: 9 })).slice(-1);
        assert.deepEqual(first!.labels, all[0]);
        assert.deepEqual(first!.trace, trace);
        await finishAll(store, 'net', ok());
        const done = (await store.message(first!.msgid))!;
        assert.deepEqual([done.labels, done.trace], [all[0], trace]);
        assert.deepEqual((await store.commits(first!.msgid))[0]!.detail, {
          flow: done.flow,
          plan: done.planHash,
          labels: all[0],
          trace,
        });
        assert.deepEqual((await fsckStore(store.scan())).faults, []);
        const keyed = { plan, idempotencyKey: 'labelled', labels: { env: 'prod' } };
        const msgid = await submitOne(store, {}, keyed);
        const again = await submitOne(store, {}, { ...keyed, trace });
        assert.equal(again, msgid, 'a trace differs on every attempt');
        await assert.rejects(submitOne(store, {}, { ...keyed, labels: {} }), error =>
          isCoaxError(error, 'COAX_IDEMPOTENCY_CONFLICT'),
        );
      }));

    it('lists commits in both orders and by range', () =>
      withStore(factory, async store => {
        const msgid = await submitOne(store);
        await finish(store, await claimOne(store, 'net'), ok({ a: 1 }));
        await finish(store, await claimOne(store, 'disk'), ok({ b: 1 }));
        const seqs = async (range: object) => (await store.commits(msgid, range)).map(({ seq }) => seq);
        assert.deepEqual(await seqs({}), [0, 1, 2]);
        assert.deepEqual(await seqs({ order: 'newest', limit: 2 }), [2, 1]);
        assert.deepEqual(await seqs({ fromSeq: 1, toSeq: 1 }), [1]);
        assert.deepEqual(await store.commits(999), []);
        assert.equal(await store.message(999), null);
        assert.equal(await store.plan('00'), null);
      }));

    it('finds a commit by any beginning of its id', () =>
      withStore(factory, async (store, dir) => {
        const accepted = await store.submit(Array.from({ length: 200 }, (_, n) => submission({ n })));
        for (const { head, msgid } of accepted.slice(0, 20)) {
          for (const digits of [4, 8, 11, 12, 13, 20, 64]) {
            const found = await store.commitsByPrefix(head.slice(0, digits), 10);
            assert.ok(
              found.some(commit => commit.id === head && commit.msgid === msgid),
              `${digits} digits`,
            );
            assert.ok(found.every(commit => commit.id.startsWith(head.slice(0, digits))));
          }
        }
        assert.equal((await store.commitsByPrefix(accepted[0]!.head, 10)).length, 1);
        assert.deepEqual(await store.commitsByPrefix('0'.repeat(64), 10), []);
        assert.ok(dir);
      }));

    it('shows the parameters after any of many commits', () =>
      withStore(factory, async store => {
        const plan = planOfSteps(...Array.from({ length: 200 }, (_, n) => `net s${n}`));
        const msgid = await submitOne(store, { start: true, n: -1 }, { plan });
        let claim = await claimOne(store, 'net');
        for (let n = 0; n < 150; n++) {
          const answer = await finish(store, claim, ok({ n, [`k${n % 10}`]: n }), { keep: () => true });
          assert.ok(answer.kind === 'written' && answer.claim !== null);
          claim = answer.claim;
        }
        // And back again: values that were laid over come to light.
        for (let n = 0; n < 100; n++) {
          const outcome = n === 0 ? terminal('E', 'no') : ok();
          const answer = await finish(store, claim, outcome, { keep: () => true });
          assert.ok(answer.kind === 'written' && answer.claim !== null);
          claim = answer.claim;
        }
        const commits = await store.commits(msgid);
        assert.equal(commits.length, 251);
        for (const seq of [0, 1, 63, 64, 65, 127, 128, 129, 150, 151, 191, 192, 193, 250])
          assert.deepEqual(
            await store.parametersAt(msgid, seq),
            foldCommits({}, commits.slice(0, seq + 1)),
            `seq ${seq}`,
          );
        assert.equal(await store.parametersAt(msgid, 251), null);
        assert.equal(await store.parametersAt(999, 0), null);
        assert.deepEqual((await fsckStore(store.scan())).faults, []);
      }));

    it('holds what fsck accepts, after a history of everything', () =>
      withStore(factory, async store => {
        for (let i = 0; i < 5; i++) await submitOne(store, { i });
        await finishAll(store, 'net', ok({ ip: 'x' }));
        await finishAll(store, 'disk', terminal('E', 'no'));
        await finishAll(store, 'disk', ok());
        await finishAll(store, 'net', ok());
        const report = await fsckStore(store.scan());
        assert.deepEqual([report.ok, report.messages, report.commits], [true, 5, 25]);
        assert.equal((await store.counts()).rolled_back, 5);
      }));
  });

  describe('the clock', () => {
    it('never goes back', () =>
      withStore(factory, async store => {
        let before = store.now();
        for (let i = 0; i < 1000; i++) {
          const now = store.now();
          assert.ok(now >= before && Number.isInteger(now));
          before = now;
        }
      }));
  });
}
