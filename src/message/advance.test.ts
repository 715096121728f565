import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isCoaxError } from '../errors/coax-error.ts';
import { type Advanced, advance } from './advance.ts';
import { RETRY_DEFAULT } from './backoff.ts';
import type { ActionStep, MessageState, Mode, Parameters, Phase, Plan, StepError } from './message.ts';
import type { Outcome, OutcomeKind } from './outcome.ts';
import { NO_DELTA, parametersOf, parametersToUndo } from './parameters.ts';
import { startState } from './start-state.ts';
import { ARROWS, isAllowed } from './transitions.ts';

const step = (action: string): ActionStep => ({ module: 'm', action, timeoutMs: 1000, retry: RETRY_DEFAULT });
const group = { all: [{ steps: [step('x')] }] };
const PLAN: Plan = { steps: [step('a'), step('b'), step('c')] };
const GROUP_PLAN: Plan = { steps: [step('a'), group, step('c')] };
const ERROR: StepError = { code: 'COAX_STEP_FAILED', reason: 'no' };
const OLD_ERROR: StepError = { code: 'COAX_NO_FREE_ADDRESS', reason: 'none left' };
const CANCELLED: StepError = { code: 'COAX_STEP_CANCELLED', reason: 'why' };

const MODES: readonly Mode[] = ['normal', 'rollback'];
const PHASES: readonly Phase[] = ['open', 'waiting', 'done', 'rolled_back', 'parked'];
const OUTCOMES: Readonly<Record<OutcomeKind, Outcome>> = {
  ok: { kind: 'ok', set: { b: 2 } },
  retryable: { kind: 'retryable', error: ERROR },
  terminal: { kind: 'terminal', error: ERROR },
  split: { kind: 'split', children: [7, 8] },
  wait: { kind: 'wait' },
  cancel: { kind: 'cancel', begun: true, reason: 'why' },
  revert: { kind: 'revert', reason: 'why' },
  amend: { kind: 'amend', edit: { a: 5 }, reason: 'why' },
  rewind: { kind: 'rewind', begun: true, to: 0, edit: {}, reason: 'why' },
  resolve: { kind: 'resolve', how: 'retry', edit: {}, reason: 'why' },
};
const KINDS = Object.keys(OUTCOMES) as OutcomeKind[];

const BASE: MessageState = {
  ...startState(PLAN, { cpu: 2 }),
  cursor: 1,
  trail: [{ step: 0, set: { a: 1 } }],
};

/** A state of that mode and phase that can really be reached, where there is one. */
function stateOf(mode: Mode, phase: Phase): MessageState {
  const at: MessageState = { ...BASE, mode, phase };
  if (phase === 'done') {
    return {
      ...at,
      cursor: 3,
      trail: [...BASE.trail, { step: 1, set: { b: 2 } }, { step: 2, set: { c: 3 } }],
    };
  }
  if (phase === 'rolled_back') return { ...at, cursor: -1, trail: [], cause: 'failed', error: OLD_ERROR };
  const waiting = phase === 'waiting' ? { ...at, generation: 4 } : at;
  if (mode === 'normal') return waiting;
  const failed: MessageState = { ...waiting, cause: 'failed', error: OLD_ERROR };
  return phase === 'parked' ? { ...failed, undoError: ERROR } : failed;
}

const run = (state: MessageState, outcome: Outcome, plan = PLAN): Advanced =>
  advance(state, plan, outcome, { seq: 9, random: 0.5 });

type Row = readonly [
  mode: Mode,
  phase: Phase,
  kind: OutcomeKind,
  next: Partial<MessageState>,
  more?: Partial<Advanced>,
];

const BACK: Partial<MessageState> = { mode: 'rollback', phase: 'open', attempt: 0 };

/** What each allowed pair changes; all else stays. */
const TABLE: readonly Row[] = [
  [
    'normal',
    'open',
    'ok',
    { cursor: 2, trail: [...BASE.trail, { step: 1, set: { b: 2 } }] },
    { delta: { set: { b: 2 }, unset: [] } },
  ],
  ['normal', 'open', 'retryable', { attempt: 1 }, { outcome: 'retry', delayMs: 250 }],
  ['normal', 'open', 'terminal', { ...BACK, cause: 'failed', error: ERROR }, { outcome: 'failed' }],
  ['normal', 'open', 'split', { phase: 'waiting', generation: 9 }, { outcome: 'split' }],
  ['normal', 'open', 'wait', { phase: 'waiting' }, { outcome: null }],
  ['rollback', 'open', 'ok', { cursor: 0 }],
  ['rollback', 'open', 'retryable', { attempt: 1 }, { outcome: 'retry', delayMs: 250 }],
  ['rollback', 'open', 'terminal', { phase: 'parked', undoError: ERROR }, { outcome: 'parked' }],
  ['rollback', 'open', 'wait', { phase: 'waiting' }, { outcome: null }],
  ['normal', 'open', 'cancel', { ...BACK, cause: 'cancelled', error: CANCELLED }, { outcome: 'cancel' }],
  ['normal', 'waiting', 'cancel', { ...BACK, cause: 'cancelled', error: CANCELLED }, { outcome: 'cancel' }],
  // Only while it walks back for a rewind: see below.
  [
    'rollback',
    'open',
    'cancel',
    { cause: 'cancelled', error: CANCELLED, rewindTo: null },
    { outcome: 'cancel' },
  ],
  [
    'rollback',
    'waiting',
    'cancel',
    { phase: 'open', cause: 'cancelled', error: CANCELLED, rewindTo: null },
    { outcome: 'cancel' },
  ],
  ['normal', 'open', 'rewind', { ...BACK, rewindTo: 0 }, { outcome: 'rewind' }],
  ['normal', 'waiting', 'rewind', { ...BACK, rewindTo: 0 }, { outcome: 'rewind' }],
  ['normal', 'done', 'rewind', { ...BACK, cursor: 2, rewindTo: 0 }, { outcome: 'rewind' }],
  ['rollback', 'open', 'rewind', { rewindTo: 0 }, { outcome: 'rewind' }],
  ['rollback', 'waiting', 'rewind', { phase: 'open', rewindTo: 0 }, { outcome: 'rewind' }],
  ['normal', 'done', 'revert', { ...BACK, cursor: 2, cause: 'reverted' }, { outcome: 'revert' }],
  [
    'normal',
    'done',
    'amend',
    { trail: [...stateOf('normal', 'done').trail, { edit: { a: 5 } }] },
    { outcome: 'amend', delta: { set: { a: 5 }, unset: [] } },
  ],
  ['rollback', 'parked', 'resolve', { phase: 'open', undoError: null }, { outcome: 'resolve' }],
];

describe('advance, every pair of state and outcome', () => {
  for (const [mode, phase, kind, patch, more] of TABLE) {
    it(`${mode} ${phase}, ${kind}`, () => {
      assert.ok(isAllowed(mode, phase, kind));
      const rewinding =
        kind === 'cancel' && mode === 'rollback' ? { rewindTo: 0, cause: null, error: null } : {};
      const state = { ...stateOf(mode, phase), ...rewinding };
      const before = structuredClone(state);
      assert.deepEqual(run(state, OUTCOMES[kind]), {
        next: { ...state, ...patch },
        outcome: 'ok',
        delta: NO_DELTA,
        delayMs: 0,
        ...more,
      });
      assert.deepEqual(state, before, 'the state that was given is not changed');
    });
  }

  it('the table has every arrow once', () => {
    const word = (mode: Mode, phase: Phase, kind: OutcomeKind) => `${mode} ${phase} ${kind}`;
    const rows = TABLE.map(([mode, phase, kind]) => word(mode, phase, kind));
    assert.deepEqual(rows.toSorted(), ARROWS.map(a => word(a.mode, a.phase, a.outcome)).toSorted());
    assert.equal(new Set(rows).size, rows.length);
  });

  for (const mode of MODES) {
    for (const phase of PHASES) {
      const refused = KINDS.filter(kind => !isAllowed(mode, phase, kind));
      it(`${mode} ${phase} refuses ${refused.join(', ')}`, () => {
        for (const kind of refused) {
          assert.throws(
            () => run(stateOf(mode, phase), OUTCOMES[kind]),
            error => isCoaxError(error, 'COAX_MESSAGE_STATE') && error.reason.startsWith('the message is '),
          );
        }
      });
    }
  }
});

const is = (state: MessageState, outcome: Outcome, patch: Partial<MessageState>, plan = PLAN) => {
  const advanced = run(state, outcome, plan);
  assert.deepEqual(advanced.next, { ...state, ...patch });
  return advanced;
};
const cancel = (begun: boolean): Outcome => ({ kind: 'cancel', begun, reason: 'why' });
const rewind = (to: number, begun: boolean, edit: Parameters = {}): Outcome => ({
  kind: 'rewind',
  begun,
  to,
  edit,
  reason: 'why',
});

describe('a step forward', () => {
  it('at the last step, the message is done', () => {
    is({ ...BASE, cursor: 2 }, { kind: 'ok', set: {} }, { cursor: 3, phase: 'done' });
  });
  it('forgets failed attempts', () => {
    is({ ...BASE, attempt: 2 }, { kind: 'ok', set: {} }, { cursor: 2, attempt: 0 });
  });
  it('a group leaves its generation in the trail, even when it set nothing', () => {
    const state: MessageState = { ...BASE, generation: 5 };
    const trail = [...BASE.trail, { step: 1, set: {}, generation: 5 }];
    is(state, { kind: 'ok', set: {} }, { cursor: 2, generation: null, trail }, GROUP_PLAN);
  });
  it('a later split keeps the first generation', () => {
    is({ ...BASE, generation: 5 }, OUTCOMES.split, { phase: 'waiting' }, GROUP_PLAN);
  });
  it('members that are undefined are no outputs', () => {
    const set = { a: undefined, b: 2 } as unknown as Parameters;
    is(BASE, { kind: 'ok', set }, { cursor: 2, trail: [...BASE.trail, { step: 1, set: { b: 2 } }] });
    is(BASE, { kind: 'ok', set: { a: undefined } as unknown as Parameters }, { cursor: 2 });
  });
});

describe('retries', () => {
  const spent: MessageState = { ...BASE, attempt: RETRY_DEFAULT.attempts - 1 };
  it('the last attempt turns the message back', () => {
    const { outcome } = is(spent, OUTCOMES.retryable, { ...BACK, cause: 'failed', error: ERROR });
    assert.equal(outcome, 'failed');
  });
  it('the last attempt of an undo parks the message', () => {
    const state: MessageState = { ...stateOf('rollback', 'open'), attempt: RETRY_DEFAULT.attempts - 1 };
    const { outcome } = is(state, OUTCOMES.retryable, { phase: 'parked', undoError: ERROR });
    assert.equal(outcome, 'parked');
  });
  it('a code on the list of terminal ones is not tried again', () => {
    const plan: Plan = {
      steps: PLAN.steps.map(s => ({
        ...s,
        retry: { ...RETRY_DEFAULT, terminal: [ERROR.code] },
      })) as ActionStep[],
    };
    is(BASE, OUTCOMES.retryable, { ...BACK, cause: 'failed', error: ERROR }, plan);
  });
  it('a group is never tried again', () => {
    is(BASE, OUTCOMES.retryable, { ...BACK, cause: 'failed', error: ERROR }, GROUP_PLAN);
  });
  it('the step may ask for a longer wait', () => {
    assert.equal(run(BASE, { kind: 'retryable', error: ERROR, retryAfterMs: 9000 }).delayMs, 9000);
  });
});

describe('a step that never began', () => {
  const never: StepError = { ...ERROR, begun: false };
  const failures: readonly Outcome[] = [
    { kind: 'terminal', error: never },
    { kind: 'retryable', error: never },
  ];
  const once: Plan = {
    steps: PLAN.steps.map(s => ({ ...s, retry: { ...RETRY_DEFAULT, attempts: 1 } })) as ActionStep[],
  };
  const failed: Partial<MessageState> = { ...BACK, cause: 'failed', error: never };
  for (const outcome of failures) {
    it(`${outcome.kind}: the walk back begins with the step before`, () => {
      assert.equal(is(BASE, outcome, { ...failed, cursor: 0 }, once).outcome, 'failed');
    });
    it(`${outcome.kind}: the first one, or a fork's first, is rolled back at once`, () => {
      const end: Partial<MessageState> = { ...failed, cursor: -1, phase: 'rolled_back' };
      is(startState(once, { cpu: 2 }), outcome, end, once);
      is(startState(once, {}, 2), outcome, end, once);
    });
    it(`${outcome.kind}: after an attempt that may have begun, it is undone`, () => {
      is({ ...BASE, attempt: 1 }, outcome, failed, once);
    });
    it(`${outcome.kind}: a group that has children is undone`, () => {
      is({ ...BASE, generation: 5 }, outcome, failed, GROUP_PLAN);
    });
  }
  it('is tried again as any other', () => {
    is(BASE, { kind: 'retryable', error: never }, { attempt: 1 });
  });
  it("finds a group's children again behind it", () => {
    const trail = [...BASE.trail, { step: 1, set: {}, generation: 5 }];
    const state: MessageState = { ...BASE, cursor: 2, trail };
    is(state, { kind: 'terminal', error: never }, { ...failed, cursor: 1, generation: 5 }, GROUP_PLAN);
  });
  it('an undo that never began parks the message: the step is still to be undone', () => {
    is(
      stateOf('rollback', 'open'),
      { kind: 'terminal', error: never },
      { phase: 'parked', undoError: never },
    );
  });
});

describe('a step back', () => {
  const back: MessageState = { ...stateOf('rollback', 'open'), cursor: 0 };
  it('drops what the step had set, and at the start the message is rolled back', () => {
    const { delta } = is(back, OUTCOMES.ok, { cursor: -1, phase: 'rolled_back', trail: [] });
    assert.deepEqual(delta, { set: {}, unset: ['a'] });
  });
  it('brings back the value that the step had covered', () => {
    const state: MessageState = { ...back, trail: [{ step: 0, set: { cpu: 9, a: 1 } }] };
    const { delta } = is(state, OUTCOMES.ok, { cursor: -1, phase: 'rolled_back', trail: [] });
    assert.deepEqual(delta, { set: { cpu: 2 }, unset: ['a'] });
  });
  it('an equal value that comes back is no change, whatever object holds it', () => {
    const state: MessageState = { ...back, base: { list: [1] }, trail: [{ step: 0, set: { list: [1] } }] };
    const { delta } = is(state, OUTCOMES.ok, { cursor: -1, phase: 'rolled_back', trail: [] });
    assert.deepEqual(delta, NO_DELTA);
  });
  it("finds a group's children again by the generation in the trail", () => {
    const state: MessageState = {
      ...back,
      cursor: 2,
      trail: [...BASE.trail, { step: 1, set: {}, generation: 5 }],
    };
    is(state, OUTCOMES.ok, { cursor: 1, generation: 5 }, GROUP_PLAN);
  });
  it('stops at the floor of a fork', () => {
    const state: MessageState = { ...startState(PLAN, { cpu: 2 }, 1), mode: 'rollback' };
    is(state, OUTCOMES.ok, { cursor: -1, phase: 'rolled_back' });
  });
});

describe('cancel', () => {
  it('a step that nobody had is not undone', () => {
    is(BASE, cancel(false), { ...BACK, cursor: 0, cause: 'cancelled', error: CANCELLED });
  });
  it('a message that nobody had is rolled back at once', () => {
    const start = startState(PLAN, { cpu: 2 });
    const end: Partial<MessageState> = { mode: 'rollback', cursor: -1, phase: 'rolled_back' };
    is(start, cancel(false), { ...end, cause: 'cancelled', error: CANCELLED });
    is(startState(PLAN, {}, 2), cancel(false), { ...end, cause: 'cancelled', error: CANCELLED });
  });
  it('a step that was tried before is undone, also when nobody has it now', () => {
    is({ ...BASE, attempt: 1 }, cancel(false), { ...BACK, cause: 'cancelled', error: CANCELLED });
  });
  it('a group that has children is undone', () => {
    const state: MessageState = { ...BASE, generation: 5, phase: 'waiting' };
    is(state, cancel(false), { ...BACK, cause: 'cancelled', error: CANCELLED }, GROUP_PLAN);
  });
  it('on the way back already, it is refused', () => {
    assert.throws(() => run(stateOf('rollback', 'open'), cancel(true)), { code: 'COAX_MESSAGE_STATE' });
    assert.throws(() => run(stateOf('rollback', 'waiting'), cancel(true)), { code: 'COAX_MESSAGE_STATE' });
  });
  it('without a reason, says that it was cancelled', () => {
    const { next } = run(BASE, { kind: 'cancel', begun: true, reason: '' });
    assert.deepEqual(next.error, { code: 'COAX_STEP_CANCELLED', reason: 'cancelled' });
  });
});

describe('rewind', () => {
  it('to a step that nobody had, goes straight on from it', () => {
    is(BASE, rewind(1, false), {});
  });
  it('goes forward again once its target is undone, with the edit in force', () => {
    const first = run(BASE, rewind(0, false, { cpu: 4 }));
    assert.deepEqual(first.delta, { set: { cpu: 4 }, unset: [] });
    const trail = [...BASE.trail, { edit: { cpu: 4 }, from: PLAN.steps.length }];
    assert.deepEqual(first.next, { ...BASE, ...BACK, cursor: 0, rewindTo: 0, trail });
    assert.deepEqual(run(first.next, OUTCOMES.ok).next, {
      ...BASE,
      cursor: 0,
      trail: [{ edit: { cpu: 4 }, from: 0 }],
    });
  });
  it('undoes each step with what it was done with, where it was done', () => {
    const done = { ...BASE, base: { cpu: 1 }, cursor: 2, trail: [{ step: 0, set: { host: 'h1' } }] };
    const back = run(done, rewind(1, true, { cpu: 4, host: 'h2' })).next;
    assert.deepEqual(parametersToUndo(back, 1), { cpu: 1, host: 'h1' });
    assert.deepEqual(parametersOf(back), { cpu: 4, host: 'h2' });
    const forward = run(run(back, OUTCOMES.ok).next, OUTCOMES.ok).next;
    assert.equal(forward.mode, 'normal');
    assert.deepEqual(parametersToUndo(forward, 1), { cpu: 4, host: 'h2' }, 'done again with the edit');
    assert.deepEqual(parametersToUndo(forward, 0), { cpu: 1 }, 'done before the edit');
  });
  it('of a message that failed, forgets why it failed', () => {
    const state = stateOf('rollback', 'open');
    const { next } = run(state, rewind(1, true));
    is(next, OUTCOMES.ok, { mode: 'normal', cursor: 1, rewindTo: null, cause: null, error: null });
  });
  it('only to a step behind the cursor, and not below the floor', () => {
    for (const to of [-1, 2, 0.5, Number.NaN]) {
      assert.throws(() => run(BASE, rewind(to, true)), { code: 'COAX_MESSAGE_INVALID', where: '/to' });
    }
    assert.throws(() => run(stateOf('normal', 'done'), rewind(3, true)), { code: 'COAX_MESSAGE_INVALID' });
    assert.throws(() => run({ ...BASE, floor: 1 }, rewind(0, true)), { code: 'COAX_MESSAGE_INVALID' });
  });
  it('of a finished message, finds the children of a group at the end', () => {
    const plan: Plan = { steps: [step('a'), group] };
    const trail = [...BASE.trail, { step: 1, set: {}, generation: 5 }];
    const state: MessageState = { ...BASE, cursor: 2, phase: 'done', trail };
    is(state, rewind(1, false), { ...BACK, cursor: 1, rewindTo: 1, generation: 5 }, plan);
    is(state, OUTCOMES.revert, { ...BACK, cursor: 1, cause: 'reverted', generation: 5 }, plan);
  });
});

describe('resolve', () => {
  const parked: MessageState = { ...stateOf('rollback', 'parked'), attempt: 2 };
  const resolve = (how: 'retry' | 'skip' | 'edit' | 'undone', edit: Parameters = {}): Outcome => ({
    kind: 'resolve',
    how,
    edit,
    reason: 'why',
  });
  const open: Partial<MessageState> = { phase: 'open', attempt: 0, undoError: null };
  it('retry tries the same undo again and changes no parameter', () => {
    is(parked, resolve('retry', { cpu: 9 }), open);
  });
  it('edit changes parameters first', () => {
    const { delta } = is(parked, resolve('edit', { cpu: 9 }), {
      ...open,
      trail: [...parked.trail, { edit: { cpu: 9 } }],
    });
    assert.deepEqual(delta, { set: { cpu: 9 }, unset: [] });
  });
  for (const how of ['skip', 'undone'] as const) {
    it(`${how} goes back past the step`, () => {
      const state: MessageState = { ...parked, trail: [...parked.trail, { step: 1, set: { b: 2 } }] };
      const { delta, outcome } = is(state, resolve(how), { ...open, cursor: 0, trail: BASE.trail });
      assert.deepEqual(delta, { set: {}, unset: ['b'] });
      assert.equal(outcome, 'resolve');
    });
    it(`${how} of the first step ends the message`, () => {
      is({ ...parked, cursor: 0, trail: [] }, resolve(how), { ...open, cursor: -1, phase: 'rolled_back' });
    });
  }
});
