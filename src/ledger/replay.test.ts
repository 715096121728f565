import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RETRY_DEFAULT } from '../message/backoff.ts';
import type { Json, MessageState } from '../message/message.ts';
import { chain, type History, historyOf, someHistories } from '../testing/message-history.ts';
import type { Commit } from './commit.ts';
import { replay, replayCommit } from './replay.ts';

/** Waiting for children leaves no commit, so a message that waits may be replayed as open. */
const settled = (state: MessageState) => (state.phase === 'waiting' ? { ...state, phase: 'open' } : state);

const somePlan = { steps: [{ module: 'm', action: 'a', timeoutMs: 1000, retry: RETRY_DEFAULT }] };
const corrupt = { code: 'COAX_STORE_CORRUPT' };

describe('replay', () => {
  it('of any chain gives the state that the message has, after every commit', () => {
    fc.assert(
      fc.property(someHistories, ({ commits, states, state, plan }) => {
        let replayed: MessageState | null = null;
        commits.forEach((commit, seq) => {
          replayed = replayCommit(replayed, plan, JSON.parse(JSON.stringify(commit)) as Commit);
          assert.deepEqual(settled(replayed), settled(states[seq]!));
        });
        assert.deepEqual(settled(replay(commits, plan)), settled(state));
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a commit that says anything else than what follows, in any member that counts', () => {
    const lies: readonly ((commit: Commit) => Partial<Commit>)[] = [
      commit => ({ mode: commit.mode === 'normal' ? 'rollback' : 'normal' }),
      commit => ({ cursor: commit.cursor + 1 }),
      commit => ({ attempt: commit.attempt + 1 }),
      () => ({ step: 'compute fly' }),
      () => ({ unset: ['never_there'] }),
      () => ({ outcome: 'accepted' }),
      () => ({ outcome: 'revolt' as 'revert' }),
    ];
    fc.assert(
      fc.property(someHistories, fc.nat(), fc.constantFrom(...lies), (history, pick, lie) => {
        const { commits, plan } = history;
        const seq = 1 + (pick % Math.max(1, commits.length - 1));
        fc.pre(seq < commits.length);
        const forged = commits.with(seq, { ...commits[seq]!, ...lie(commits[seq]!) });
        assert.throws(() => replay(forged, plan), corrupt);
      }),
      { numRuns: 300 },
    );
  });

  it('takes failures from a group that tolerates them, and from no other', () => {
    const [step] = somePlan.steps;
    const partly = { failed: 1, of: 2, tolerated: 1 };
    const play = (tolerate: object, told: object) => {
      const plan = { steps: [{ each: 'a', as: 'item', limit: 2, steps: [step!], ...tolerate }] };
      const moves = (['split', 'ok'] as const).map(kind => ({ move: 'work' as const, kind, set: {} }));
      const { commits } = historyOf(plan, { a: [1, 2] }, moves);
      const last = { ...commits[2]!, detail: { partly: told as Json } };
      return replay(commits.with(2, last), plan).trail;
    };
    assert.deepEqual(play({ tolerate: 1 }, partly), [{ step: 0, set: {}, generation: 1, partly }]);
    assert.throws(() => play({}, partly), corrupt);
    assert.throws(() => play({ tolerate: 1 }, { ...partly, failed: 2 }), corrupt);
  });

  it('refuses a chain that goes on after the end, and one with a transition left out that changes the state', () => {
    fc.assert(
      fc.property(someHistories, fc.nat(), ({ commits, plan, states }, pick) => {
        const seq = pick % commits.length;
        fc.pre(seq > 0 && seq < commits.length - 1);
        const [before, left, next] = [states[seq - 1]!, states[seq]!, commits[seq + 1]!];
        const place = (s: MessageState) => [s.mode, s.cursor, s.attempt];
        fc.pre(next.attempt > 0 && JSON.stringify(place(before)) !== JSON.stringify(place(left)));
        assert.throws(() => replay(commits.toSpliced(seq, 1), plan), corrupt);
      }),
      { numRuns: 200 },
    );
  });

  it('refuses a first commit that is not one', () => {
    const [history] = fc.sample(someHistories, { numRuns: 1, seed: 1 }) as [History];
    const first = history.commits[0]!;
    const detail = first.detail as { flow: string; plan: string };
    const wrong: Partial<Commit>[] = [
      { outcome: 'ok' },
      { detail: null },
      { detail: { flow: 'x' } },
      { detail: { ...detail, parent: { msgid: 1 } } },
      { detail: { ...detail, fork: { from: 'x' } } },
      { detail: { ...detail, fork: { from: 'x', cursor: 99 } }, cursor: 99 },
      { detail: { ...detail, fork: { from: 'x', cursor: -1 } }, cursor: -1 },
      { cursor: 9 },
      { step: 'network alloc_ip' },
      { set: 'text' as never },
    ];
    for (const lie of wrong) {
      const { commits } = chain([{ ...first, ...lie }]);
      assert.throws(() => replay(commits, history.plan), corrupt, JSON.stringify(lie));
    }
  });

  it('refuses decisions and failures that lack what they must say', () => {
    const histories = fc.sample(someHistories, { numRuns: 300, seed: 7 });
    const seen = new Set<string>();
    for (const { commits, plan } of histories) {
      commits.forEach((commit, seq) => {
        if (commit.error === undefined && (seq === 0 || commit.detail === undefined)) return;
        // A group that does not tell of its failures is found by the row, which has them in its trail.
        if (commit.outcome === 'ok') return;
        const { error: _error, detail: _detail, ...bare } = commit;
        assert.throws(() => replay(commits.with(seq, bare), plan), corrupt);
        seen.add(commit.outcome);
      });
    }
    const all = ['amend', 'cancel', 'failed', 'parked', 'resolve', 'retry', 'revert', 'rewind', 'split'];
    assert.deepEqual([...seen].sort(), all);
  });
});
