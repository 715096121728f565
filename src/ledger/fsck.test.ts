import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RETRY_DEFAULT } from '../message/backoff.ts';
import { chain, type History, historyOf, someHistories } from '../testing/message-history.ts';
import type { Move } from '../testing/random-message.ts';
import { commitId } from './commit.ts';
import type { Fault } from './fault.ts';
import { fsckMessage, readPlan } from './fsck.ts';
import { isGroupAt } from './replay.ts';
import type { RawCommitRow, RawMessageRow } from './rows.ts';

const check = (
  history: History,
  rows: readonly RawCommitRow[] = history.rows,
  row = history.row,
): readonly Fault[] => fsckMessage(row, rows, history.planBody);
const kinds = (faults: readonly Fault[]) => [...new Set(faults.map(fault => fault.kind))].sort();

/** Every way in which one text may come to differ by one character. */
const damage = (text: string, pick: number): string => {
  const at = pick % (text.length + 1);
  const other = text[at] === 'x' ? 'y' : 'x';
  return at === text.length ? `${text}x` : text.slice(0, at) + other + text.slice(at + 1);
};
const altered = (value: string | number | null, pick: number): string | number =>
  value === null ? 'x' : typeof value === 'number' ? value + 1 + (pick % 3) : damage(value, pick);

const step = (action: string) => ({ module: 'm', action, timeoutMs: 1000, retry: RETRY_DEFAULT });
const PLAN = { steps: [step('a'), step('b'), step('c')] };
const ok = (set: Record<string, string | number>): Move => ({ move: 'work', kind: 'ok', set });
const HISTORY = historyOf(PLAN, { cpu: 2 }, [ok({ host: 'h1' }), ok({ ip: 'x' }), ok({ vm: 1 })]);

describe('fsck of one message', () => {
  it('finds nothing in any honest history', () => {
    fc.assert(
      fc.property(someHistories, history => assert.deepEqual(check(history), [])),
      { numRuns: 500 },
    );
  });

  it('finds any change of any column of the message row', () => {
    const columns = Object.keys(HISTORY.row) as (keyof RawMessageRow)[];
    fc.assert(
      fc.property(someHistories, fc.constantFrom(...columns), fc.nat(), (history, column, pick) => {
        const value = altered(history.row[column], pick);
        const faults = check(history, history.rows, { ...history.row, [column]: value });
        assert.notDeepEqual(faults, [], `${column}: ${history.row[column]} → ${value}`);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds a column that lost its value', () => {
    const columns = Object.keys(HISTORY.row) as (keyof RawMessageRow)[];
    fc.assert(
      fc.property(someHistories, fc.constantFrom(...columns), (history, column) => {
        fc.pre(history.row[column] !== null);
        assert.notDeepEqual(check(history, history.rows, { ...history.row, [column]: null }), [], column);
      }),
      { numRuns: 300 },
    );
  });

  it('lets a group stand at open or waiting, and nothing else', () => {
    fc.assert(
      fc.property(someHistories, history => {
        const phases = ['open', 'waiting', 'done', 'rolled_back', 'parked'].filter(
          phase => phase !== history.row.phase,
        );
        for (const phase of phases) {
          const group = isGroupAt(history.plan, history.state.cursor);
          const both =
            group && ['open', 'waiting'].includes(phase) && ['open', 'waiting'].includes(history.row.phase);
          assert.deepEqual(
            kinds(check(history, history.rows, { ...history.row, phase })),
            both ? [] : ['column'],
          );
        }
      }),
    );
  });

  it('finds any change of any column of any commit', () => {
    const columns = ['msgid', 'seq', 'id', 'body', 'snapshot'] as const;
    fc.assert(
      fc.property(
        someHistories,
        fc.constantFrom(...columns),
        fc.nat(),
        fc.nat(),
        (history, column, where, pick) => {
          const at = where % history.rows.length;
          const row = history.rows[at]!;
          const rows = history.rows.with(at, { ...row, [column]: altered(row[column], pick) });
          assert.notDeepEqual(check(history, rows), [], column);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('finds commits that were removed, doubled or put in another order', () => {
    fc.assert(
      fc.property(someHistories, fc.nat(), ({ rows, ...history }, pick) => {
        const at = pick % rows.length;
        assert.notDeepEqual(check({ ...history, rows }, rows.toSpliced(at, 1)), [], 'removed');
        assert.notDeepEqual(check({ ...history, rows }, rows.toSpliced(at, 0, rows[at]!)), [], 'doubled');
        fc.pre(at > 0);
        assert.notDeepEqual(
          check({ ...history, rows }, rows.with(at, rows[at - 1]!).with(at - 1, rows[at]!)),
          [],
          'swapped',
        );
        // The bodies change places, the numbers stay.
        const { seq, ...body } = rows[at]!;
        const { seq: before, ...bodyBefore } = rows[at - 1]!;
        const crossed = rows.with(at, { seq, ...bodyBefore }).with(at - 1, { seq: before, ...body });
        assert.notDeepEqual(check({ ...history, rows }, crossed), [], 'crossed');
      }),
      { numRuns: 300 },
    );
  });

  it('says what is wrong', () => {
    const { rows, commits, row } = HISTORY;
    assert.deepEqual(kinds(check(HISTORY, rows.slice(0, -1))), ['head']);
    assert.deepEqual(kinds(check(HISTORY, [])), ['head']);
    assert.deepEqual(kinds(check(HISTORY, rows.toSpliced(1, 1))), ['chain', 'order']);
    assert.deepEqual(kinds(check(HISTORY, rows.with(2, { ...rows[2]!, snapshot: '{}' }))), ['snapshot']);
    assert.deepEqual(check(HISTORY, rows, { ...row, cursor: 1 }), [
      { kind: 'column', msgid: 7, reason: 'column cursor is 1, but the chain leads to 3' },
    ]);
    const body = rows[1]!.body.replace('h1', 'h2');
    const [hash] = check(HISTORY, rows.with(1, { ...rows[1]!, body }));
    assert.deepEqual([hash?.kind, hash?.msgid, hash?.seq, hash?.id], ['hash', 7, 1, commits[1]?.id]);
    // Hashed again, the forgery breaks the chain at the commit after it.
    const forged = rows.with(1, { ...rows[1]!, body, id: commitId(body) });
    assert.deepEqual(
      check(HISTORY, forged).map(({ kind, seq }) => [kind, seq]),
      [['chain', 2]],
    );
    const spaced = body.replace('h2', 'h1').replace('{', '{ ');
    assert.deepEqual(
      kinds(check(HISTORY, rows.with(3, { ...rows[3]!, body: spaced, id: commitId(spaced) }))),
      ['body', 'head'],
    );
  });

  it('finds a chain that was forged and hashed anew from end to end, when it says what could not be', () => {
    const forge = (change: object, seq: number) => {
      const { rows, commits } = chain(
        HISTORY.commits.map((c, at) => (at === seq ? { ...c, ...change } : c)).map(unnamed),
      );
      return check(HISTORY, rows, { ...HISTORY.row, head: commits.at(-1)!.id });
    };
    assert.deepEqual(kinds(forge({ cursor: 2 }, 2)), ['replay']);
    assert.deepEqual(kinds(forge({ attempt: 2 }, 1)), ['replay']);
    assert.deepEqual(kinds(forge({ set: { ip: 'y' } }, 2)), ['column']);
    assert.deepEqual(kinds(forge({ actor: 'eve' }, 0)), ['column']);
    assert.deepEqual(kinds(forge({ unset: ['cpu'] }, 2)), ['replay']);
  });

  it('finds a plan that is missing or is not the one', () => {
    const missing = fsckMessage(HISTORY.row, HISTORY.rows, null);
    assert.deepEqual(
      missing.map(({ kind, reason }) => [kind, reason]),
      [['plan', 'its plan is missing']],
    );
    assert.deepEqual(kinds(fsckMessage(HISTORY.row, HISTORY.rows, `${HISTORY.planBody} `)), ['plan']);
    assert.equal(readPlan(commitId('7'), '7'), 'has no steps');
    assert.equal(readPlan(commitId('{'), '{'), 'is not JSON');
  });
});

function unnamed<T extends { id: string; parent: unknown }>({ id: _id, parent: _parent, ...body }: T) {
  return body;
}
