import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitView } from '../../api/commit.ts';
import type { MessageView } from '../../api/message.ts';
import { noStyle } from '../output/style.ts';
import { widthOf } from '../output/text.ts';
import { commitLine } from './commit-line.ts';
import { frame } from './frame.ts';
import { exitStatusOf, outcomeLine } from './outcome.ts';
import { failedLines, partlyOfCommit } from './partly.ts';
import { progressLine } from './progress.ts';
import { liveView } from './view.ts';

const STEPS = ['resource select_host', 'network alloc_ip', 'compute create_vm', 'resource update_info'];

function message(
  over: Partial<MessageView>,
  states: readonly MessageView['steps'][number]['state'][],
): MessageView {
  const steps = STEPS.map((step, index) => ({
    index,
    step,
    state: states[index]!,
    at: null,
    set: states[index] === 'done' && index === 1 ? { ip: '10.8.3.21' } : {},
    code: null,
    codeNow: null,
    codeChanged: false,
    partly: null,
  }));
  return {
    msgid: 141592,
    flow: 'create_vm',
    status: 'running',
    waitingFor: null,
    mode: 'normal',
    cursor: 2,
    cause: null,
    parameters: {},
    steps,
    attempt: 0,
    error: null,
    undoError: null,
    parent: null,
    children: [],
    worker: 'b',
    simulated: false,
    created: new Date(0).toISOString(),
    updated: new Date(1000).toISOString(),
    ...over,
  } as MessageView;
}

function commit(over: Partial<CommitView>): CommitView {
  return {
    msgid: 141592,
    mode: 'normal',
    attempt: 1,
    worker: 'a',
    started: 0,
    finished: 110,
    outcome: 'ok',
    ...over,
  } as CommitView;
}

const running = message({}, ['done', 'done', 'current', 'pending']);
const forward = [0, 1].map(cursor => commit({ cursor, step: STEPS[cursor]! }));

test('a picture of a message under way', () => {
  const lines = frame(liveView(running, forward), 4200, { columns: 80, rows: 24 }, noStyle);
  assert.deepEqual(lines, [
    '141592  create_vm   running   2/4   00:04.2',
    ' ✔ resource select_host                                         110ms  worker a',
    ' ✔ network alloc_ip      ip=10.8.3.21                           110ms  worker a',
    ' ⠹ compute create_vm                                             3.2s  worker b',
    ' ○ resource update_info',
    'Ctrl-C leaves the view; the message goes on.   coax wait 141592',
  ]);
});

test('on a rollback the cursor walks up, and the step that failed stays marked', () => {
  const error = { code: 'COAX_STEP_FAILED', reason: 'no space on h7' };
  const rolling = message({ mode: 'rollback', cursor: 1, cause: 'failed', error }, [
    'done',
    'undoing',
    'undone',
    'pending',
  ]);
  const commits = [
    ...forward,
    commit({ cursor: 2, step: STEPS[2]!, outcome: 'failed', error }),
    commit({ cursor: 2, step: STEPS[2]!, mode: 'rollback' }),
  ];
  const lines = frame(liveView(rolling, commits), 4200, { columns: 80, rows: 24 }, noStyle);
  assert.match(lines[0]!, /rollback/);
  assert.match(lines[2]!, /network alloc_ip {2,}undoing/);
  assert.match(lines[3]!, /✘ compute create_vm {2,}no space on h7/);
  const ended = message({ status: 'rolled_back', mode: 'rollback', cursor: -1, cause: 'failed', error }, [
    'undone',
    'undone',
    'undone',
    'pending',
  ]);
  const dropped = [...commits, commit({ cursor: 1, step: STEPS[1]!, mode: 'rollback', unset: ['ip'] })];
  const last = frame(liveView(ended, dropped), 9000, { columns: 80, rows: 24 }, noStyle);
  assert.match(last[2]!, /↶ network alloc_ip {2,}undone: ip dropped/);
  assert.equal(last.length, 5);
});

test('a group that was done in part says so wherever it is told of, and a wait for it ends with 11', () => {
  const partly = { failed: 3, of: 100, tolerated: 5 };
  const lines = message({ status: 'done', cursor: 4 }, ['done', 'done', 'done', 'done']);
  const [first, ...rest] = lines.steps;
  const done = { ...lines, steps: [{ ...first!, step: 'each', partly }, ...rest] };
  const told = {
    partly,
    failed: [{ branch: '7', item: 'h7', message: 9, code: 'E_FULL', reason: 'disk full' }],
  };
  const last = commit({ cursor: 0, step: 'each', detail: told });
  const picture = frame(liveView(done, [last]), 4200, { columns: 90, rows: 24 }, noStyle);
  assert.match(picture[1]!, /✔ each {2,}3 of 100 failed, 5 tolerated/);
  assert.match(outcomeLine(done), /^done, each: 3 of 100 failed, 5 tolerated: create_vm 141592 in/);
  assert.equal(exitStatusOf(done), 11);
  assert.equal(exitStatusOf(lines), 0);
  assert.match(commitLine(last, noStyle), /each {2}ok {2}3 of 100 failed, 5 tolerated/);
  assert.deepEqual(failedLines(last), ['h7: disk full (E_FULL); coax log 9']);
  assert.equal(
    partlyOfCommit(commit({ cursor: 0, step: 'a b', detail: told })),
    '',
    'a step may say anything',
  );
});

test('a picture is never larger than the terminal', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 200 }),
      fc.integer({ min: 4, max: 12 }),
      fc.integer({ min: -1, max: 4 }),
      (columns, rows, cursor) => {
        const lines = frame(liveView({ ...running, cursor }, forward), 4200, { columns, rows }, noStyle);
        assert.ok(lines.length <= rows);
        for (const line of lines) assert.ok(widthOf(line) <= columns);
      },
    ),
  );
});

test('what a step wrote cannot steer the terminal', () => {
  const evil = message({ status: 'parked', undoError: { code: 'X', reason: 'a\u001b[2Jb' } }, [
    'done',
    'done',
    'undoing',
    'pending',
  ]);
  assert.ok(!frame(liveView(evil, []), 0, { columns: 80, rows: 24 }, noStyle).join('').includes('\u001b'));
  assert.ok(!outcomeLine(evil).includes('\u001b'));
});

test('exit statuses and last lines say how it ended and what to do next', () => {
  const error = { code: 'X', reason: 'no space' };
  const done = message({ status: 'done', cursor: 4 }, ['done', 'done', 'done', 'done']);
  const back = message({ status: 'rolled_back', cursor: -1, cause: 'failed', error }, [
    'undone',
    'undone',
    'undone',
    'pending',
  ]);
  const parked = message({ status: 'parked', cursor: 1, undoError: error }, [
    'done',
    'undoing',
    'undone',
    'pending',
  ]);
  assert.deepEqual([done, back, parked, running].map(exitStatusOf), [0, 1, 9, 8]);
  assert.equal(outcomeLine(done), 'done: create_vm 141592 in 1.0s; ip=10.8.3.21; coax log 141592');
  assert.equal(
    outcomeLine(back),
    'rolled back: create_vm 141592 in 1.0s; no space; 3 steps undone; coax log 141592',
  );
  assert.match(
    outcomeLine(parked),
    /^parked: .*undoing network alloc_ip failed \(no space\); coax resolve 141592/,
  );
  assert.match(outcomeLine(running), /^running: .*compute create_vm; it goes on; coax wait 141592$/);
});

test('progress of thousands: a bar where there is room', () => {
  const counts = { submitted: 1000, done: 490, rolledBack: 10, parked: 0 };
  const line = progressLine(counts, 2000, 100, noStyle);
  assert.match(line, /^━+─+ {2}1,000 submitted {2}490 done {2}10 rolled back {2}250\/s {2}00:02\.0$/);
  assert.ok(Math.abs(line.match(/━/g)!.length - line.match(/─/g)!.length) <= 1);
  assert.ok(!progressLine(counts, 2000, 40, noStyle).includes('━'));
});
