import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { check, type History, type LedgerRow, type Run } from './checker.ts';

const row = (seq: number, more: Partial<LedgerRow> = {}): LedgerRow => ({
  msgid: 1,
  seq,
  id: `c${seq}`,
  parent: seq === 0 ? null : `c${seq - 1}`,
  pos: 10 + seq,
  outcome: seq === 0 ? 'accepted' : 'ok',
  started: 1000 + seq * 1000,
  run: seq === 0 ? null : `r${seq}`,
  ...more,
});
const run = (n: number, more: Partial<Run> = {}): Run => ({
  run: `r${n}`,
  msgid: 1,
  key: `1.${n - 1}`,
  began: n * 1000,
  ended: n * 1000 + 500,
  ...more,
});
const call = { key: 'k', sent: 900, answered: 1500, msgid: 1 };
const look = { msgid: 1, sent: 1600, answered: 1700, seq: 0, head: 'c0' };
const GOOD: History = {
  calls: [call, { key: 'unanswered', sent: 1, answered: 9999, msgid: null }],
  looks: [look, { ...look, sent: 4000, answered: 4100, seq: 2, head: 'c2' }],
  ledger: [row(0), row(1), row(2)],
  runs: [run(1), run(2), run(3, { run: 'cut', began: 2100, ended: null })],
  ends: [{ msgid: 1, key: 'k', status: 'done', effects: ['1.0', '1.1'] }],
  effects: ['1.0', '1.1'],
  fsck: [],
};

describe('the checker of histories', () => {
  it('finds nothing in a good one', () => assert.deepEqual(check(GOOD), []));

  const PLANTED: [what: string, history: Partial<History>, finds: RegExp][] = [
    [
      'an accepted message that is gone',
      { ledger: [], looks: [], runs: [], ends: [], effects: [] },
      /^lost: message 1 was accepted under k/,
    ],
    [
      'an answer that names another message',
      { calls: [{ ...call, key: 'other' }] },
      /^lost: message 1 is not that of other/,
    ],
    [
      'a key that made two messages',
      { calls: [call, { ...call, msgid: 2 }] },
      /^twice: k made the messages 1, 2/,
    ],
    [
      'two commits of one number',
      { ledger: [...GOOD.ledger, row(2, { id: 'x', pos: 20, run: null })] },
      /two commits of number 2/,
    ],
    ['a hole in the chain', { ledger: [row(0), row(2)] }, /no commit before number 2/],
    [
      'a commit that is not on the one before',
      { ledger: [row(0), row(1, { parent: 'x' }), row(2)] },
      /commit 1 of message 1 is not on/,
    ],
    [
      'commits in the wrong order',
      { ledger: [row(0), row(1, { pos: 50 }), row(2)] },
      /commit 2 of message 1 was written before/,
    ],
    [
      'a message older than its request',
      { ledger: [row(0, { started: 1 }), row(1), row(2)] },
      /was there before k was sent/,
    ],
    [
      'a message younger than its answer',
      { ledger: [row(0, { started: 5000 }), row(1), row(2)] },
      /came after k was answered/,
    ],
    [
      'a look back in time',
      { looks: [...GOOD.looks, { ...look, sent: 5000, answered: 5100 }] },
      /seen at 2 and after that at 0/,
    ],
    ['a look at what never was', { looks: [{ ...look, head: 'zzz' }] }, /which is not in the ledger/],
    [
      'a lease that two had',
      { runs: [run(1, { ended: 2100 }), run(2)] },
      /runs r1 and r2 of message 1 overlap/,
    ],
    [
      'a fenced worker that committed',
      { runs: [run(1, { ended: null }), run(2)] },
      /runs r1 and r2 of message 1 overlap/,
    ],
    [
      'an outcome that was committed twice',
      { ledger: [row(0), row(1), row(2, { run: 'r1' })] },
      /run r1 was committed 2 times/,
    ],
    ['a run that nobody logged', { runs: [run(1)] }, /run r2 is in no log/],
    [
      'an effect that is missing',
      { effects: ['1.0'] },
      /^effect: 1\.1 of message 1, which is done, is there 0 times/,
    ],
    ['an effect that was made twice', { effects: ['1.0', '1.1', '1.1'] }, /is there 2 times/],
    [
      'an effect after the rollback',
      { ends: [{ ...GOOD.ends[0]!, status: 'rolled_back' }] },
      /no message that is done has it/,
    ],
    [
      'a message that never ended',
      { ends: [{ ...GOOD.ends[0]!, status: 'parked' }] },
      /^end: message 1 is parked/,
    ],
    ['a fault of fsck', { fsck: ['message 1: bad'] }, /^fsck: message 1: bad/],
  ];
  for (const [what, planted, finds] of PLANTED)
    it(`finds ${what}`, () =>
      assert.match(check({ ...GOOD, ...planted }).join('\n'), new RegExp(finds, 'm')));
});
