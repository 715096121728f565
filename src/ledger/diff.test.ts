import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RETRY_DEFAULT } from '../message/backoff.ts';
import { applyDelta, parametersOf } from '../message/parameters.ts';
import { historyOf, someHistories } from '../testing/message-history.ts';
import { type Move, someParameters } from '../testing/random-message.ts';
import { type Change, diffCommits, diffMessages, diffParameters } from './diff.ts';

const step = (action: string) => ({ module: 'm', action, timeoutMs: 1000, retry: RETRY_DEFAULT });
const PLAN = { steps: [step('a'), step('b'), step('c')] };
const ok = (set: Record<string, string | number>): Move => ({ move: 'work', kind: 'ok', set });

function deltaOf(changes: readonly Change[]) {
  const set = Object.fromEntries(changes.flatMap(c => (c.kind === 'removed' ? [] : [[c.name, c.after]])));
  return { set, unset: changes.flatMap(c => (c.kind === 'removed' ? [c.name] : [])) };
}

describe('diff of parameters', () => {
  it('leads from one to the other, and back it is the mirror', () => {
    fc.assert(
      fc.property(someParameters, someParameters, (a, b) => {
        const there = diffParameters(a, b);
        assert.deepEqual(applyDelta(a, deltaOf(there)), b);
        assert.deepEqual(applyDelta(b, deltaOf(diffParameters(b, a))), a);
        assert.deepEqual(diffParameters(a, structuredClone(a)), []);
        for (const change of there)
          if (change.kind === 'changed') assert.notDeepEqual(change.before, change.after);
      }),
    );
  });
  it('says what was added, removed and changed, by name', () => {
    assert.deepEqual(diffParameters({ a: 1, b: [1], c: null }, { b: [2], c: null, d: 4 }), [
      { name: 'a', kind: 'removed', before: 1 },
      { name: 'b', kind: 'changed', before: [1], after: [2] },
      { name: 'd', kind: 'added', after: 4 },
    ]);
  });
});

describe('diff of two commits', () => {
  it('shows what each changed, where they differ, and from where to where the parameters went', () => {
    const { commits, states } = historyOf(PLAN, { cpu: 2 }, [ok({ host: 'h1' }), ok({ ip: 'x', cpu: 3 })]);
    const at = (seq: number) => ({ commit: commits[seq]!, before: parametersOf(states[seq - 1]!) });
    const diff = diffCommits(at(1), at(2));
    assert.deepEqual(diff.a.changes, [{ name: 'host', kind: 'added', after: 'h1' }]);
    assert.deepEqual(diff.b.after, { cpu: 3, host: 'h1', ip: 'x' });
    assert.deepEqual(diff.parameters, [
      { name: 'cpu', kind: 'changed', before: 2, after: 3 },
      { name: 'ip', kind: 'added', after: 'x' },
    ]);
    assert.deepEqual(
      diff.members.map(({ member }) => member),
      ['seq', 'parent', 'cursor', 'step', 'set', 'started', 'finished'],
    );
    assert.deepEqual(
      diff.members.find(({ member }) => member === 'step'),
      { member: 'step', a: 'm a', b: 'm b' },
    );
    assert.deepEqual(diffCommits(at(1), at(1)).members, []);
  });
});

describe('diff of two messages', () => {
  const first = historyOf(PLAN, { cpu: 2 }, [ok({ host: 'h1' }), ok({ ip: 'x' }), ok({})]);
  it('finds the first step where they part', async () => {
    const other = historyOf(PLAN, { cpu: 2 }, [ok({ host: 'h1' }), ok({ ip: 'y' }), ok({})], {
      msgid: 8,
      created: 5,
    });
    const { divergence, parameters } = await diffMessages(first.commits, other.commits);
    assert.equal(divergence?.seq, 2);
    assert.deepEqual(divergence?.members, [{ member: 'set', a: { ip: 'x' }, b: { ip: 'y' } }]);
    assert.deepEqual(parameters, [{ name: 'ip', kind: 'changed', before: 'x', after: 'y' }]);
  });
  it('finds other parameters at the start', async () => {
    const other = historyOf(PLAN, { cpu: 4 }, [], { msgid: 8 });
    assert.equal((await diffMessages(first.commits, other.commits)).divergence?.seq, 0);
  });
  it('finds where one ended before the other', async () => {
    const { divergence } = await diffMessages(first.commits, first.commits.slice(0, 2));
    assert.deepEqual([divergence?.seq, divergence?.a?.id, divergence?.b], [2, first.commits[2]?.id, null]);
  });
  it('two messages that did the same do not part, whoever did it and when', async () => {
    await fc.assert(
      fc.asyncProperty(someHistories, async history => {
        const diff = await diffMessages(
          history.commits,
          history.commits.map(c => ({ ...c, msgid: 99, worker: 'w2', started: 1 })),
        );
        assert.deepEqual(diff, { divergence: null, parameters: [] });
      }),
    );
  });
});
