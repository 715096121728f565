import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Happened,
  MessageDriver,
  type Move,
  someMoves,
  someParameters,
  somePlans,
  someWork,
} from '../testing/random-message.ts';
import { isGroup, type MessageState, type Parameters, type Plan } from './message.ts';
import { applyDelta, parametersOf } from './parameters.ts';
import { startState } from './start-state.ts';
import { isResting } from './status.ts';
import { isAllowed } from './transitions.ts';

/** A plain second account of which steps have done something, kept beside the state machine. */
class Account {
  readonly begun = new Set<number>();
  readonly edits: Parameters[] = [];

  take(state: MessageState): void {
    if (state.mode === 'normal') this.begun.add(state.cursor);
    else assert.equal(state.cursor, Math.max(...this.begun), 'undone is the latest step that was begun');
  }

  note({ before, outcome, advanced }: Happened): void {
    const back = before.mode === 'rollback';
    // An attempt that failed counts as begun, whatever was known of it.
    if (advanced.outcome === 'retry') this.begun.add(before.cursor);
    if (back && outcome.kind === 'ok') this.begun.delete(before.cursor);
    if (outcome.kind === 'resolve' && (outcome.how === 'skip' || outcome.how === 'undone'))
      this.begun.delete(before.cursor);
    if (outcome.kind === 'amend') this.edits.push(outcome.edit);
    if (outcome.kind === 'rewind' || (outcome.kind === 'resolve' && outcome.how === 'edit'))
      this.edits.push(outcome.edit);
    this.check(advanced.next);
  }

  check(state: MessageState): void {
    const begun = [...this.begun];
    if (state.phase === 'rolled_back') assert.deepEqual(begun, [], 'nothing is left behind');
    else if (state.mode === 'rollback') assert.ok(this.begun.has(state.cursor), 'what is undone was begun');
    else {
      assert.ok(
        begun.every(step => step <= state.cursor),
        'nothing begun lies ahead of the cursor',
      );
      for (let step = state.floor; step < state.cursor; step++) assert.ok(this.begun.has(step));
    }
  }
}

function drive(driver: MessageDriver, ledger: Account, move: Move): Happened | null {
  const takes = move.move === 'work' || move.move === 'die';
  if (takes && driver.take()) {
    const unbegun = move.move === 'work' && driver.state.mode === 'normal' && driver.isUnbegun(move);
    if (!unbegun) ledger.take(driver.state);
  }
  const happened = driver.make(move);
  if (happened !== null) {
    ledger.note(happened);
    assertWellFormed(driver.state, driver.plan);
    const { before, advanced } = happened;
    assert.deepEqual(applyDelta(parametersOf(before), advanced.delta), parametersOf(advanced.next));
  }
  return happened;
}

function assertWellFormed(state: MessageState, plan: Plan): void {
  const end = plan.steps.length;
  const where = JSON.stringify(state);
  assert.equal(state.phase === 'done', state.cursor === end, where);
  assert.equal(state.phase === 'rolled_back', state.cursor === -1, where);
  if (state.phase === 'rolled_back' || state.phase === 'parked') assert.equal(state.mode, 'rollback', where);
  if (state.phase !== 'rolled_back') assert.ok(state.cursor >= state.floor && state.cursor <= end, where);
  if (state.phase === 'parked') assert.ok(state.undoError, where);
  else assert.equal(state.undoError, null, where);
  if (state.mode === 'normal')
    assert.deepEqual([state.cause, state.error, state.rewindTo], [null, null, null], where);
  if (state.rewindTo !== null)
    assert.ok(state.rewindTo >= state.floor && state.rewindTo <= state.cursor, where);
  const steps = state.trail.flatMap(entry => ('step' in entry ? [entry.step] : []));
  assert.deepEqual(
    steps,
    [...new Set(steps)].sort((a, b) => a - b),
    'one entry a step, in order',
  );
  for (const step of steps) assert.ok(step <= state.cursor && step >= state.floor, where);
  if (state.generation !== null) assert.ok(isGroup(plan.steps[state.cursor]!), where);
}

const starts = fc.tuple(somePlans, someParameters, fc.nat(4)).map(([plan, base, floor]) => ({
  plan,
  start: startState(plan, base, floor < plan.steps.length ? floor : 0),
}));
const fair: Move = { move: 'work', kind: 'ok', set: {} };
const cancel: Move = { move: 'cancel' };
const undone: Move = { move: 'resolve', how: 'undone', edit: {} };

describe('any history of a message', () => {
  it('goes on to done, rolled back or parked as soon as steps do well', () => {
    fc.assert(
      fc.property(starts, fc.array(someMoves(true), { maxLength: 40 }), ({ plan, start }, moves) => {
        const driver = new MessageDriver(plan, start);
        const ledger = new Account();
        for (const move of moves) drive(driver, ledger, move);
        // The longest way: back for a rewind, then forward again.
        for (let left = 2 * plan.steps.length; !isResting(driver.state.phase); left--) {
          assert.ok(left > 0, 'does not end');
          drive(driver, ledger, fair);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('comes to rest after a bounded number of attempts, however steps fail', () => {
    fc.assert(
      fc.property(
        starts,
        fc.array(someMoves(true), { maxLength: 20 }),
        fc.infiniteStream(someWork),
        ({ plan, start }, moves, work) => {
          const driver = new MessageDriver(plan, start);
          const ledger = new Account();
          for (const move of moves) drive(driver, ledger, move);
          // Each step at most 3 attempts forward and 3 back, and the way back for a rewind before it.
          let attempts = 9 * plan.steps.length;
          for (const move of work) {
            if (isResting(driver.state.phase)) break;
            const happened = drive(driver, ledger, move);
            if (happened === null || ['split', 'wait'].includes(happened.outcome.kind)) continue;
            assert.ok(attempts-- > 0, 'does not end');
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('rolled back to the end, leaves the parameters as they were, but for what people edited', () => {
    fc.assert(
      fc.property(starts, fc.array(someMoves(true), { maxLength: 40 }), ({ plan, start }, moves) => {
        const driver = new MessageDriver(plan, start);
        const ledger = new Account();
        for (const move of moves) drive(driver, ledger, move);
        rollBack(driver, ledger);
        assert.equal(driver.state.phase, 'rolled_back');
        assert.deepEqual(parametersOf(driver.state), Object.assign({ ...start.base }, ...ledger.edits));
      }),
      { numRuns: 500 },
    );
  });

  it('undoes exactly the steps that were begun, the latest first', () => {
    fc.assert(
      fc.property(starts, fc.array(someWork, { maxLength: 20 }), ({ plan, start }, moves) => {
        const driver = new MessageDriver(plan, start);
        const ledger = new Account();
        for (const move of moves) {
          if (driver.state.mode === 'normal' && driver.state.phase !== 'done') drive(driver, ledger, move);
        }
        const begun = [...ledger.begun].sort((a, b) => b - a);
        const from = driver.happened.length;
        rollBack(driver, ledger);
        const undos = driver.happened.slice(from).filter(h => h.before.mode === 'rollback');
        assert.deepEqual(
          undos.map(h => h.before.cursor),
          begun,
        );
        assert.deepEqual(parametersOf(driver.state), start.base);
      }),
      { numRuns: 300 },
    );
  });

  it('a refused outcome is refused by the table or names what is wrong', () => {
    fc.assert(
      fc.property(starts, fc.array(someMoves(false), { maxLength: 40 }), ({ plan, start }, moves) => {
        const driver = new MessageDriver(plan, start);
        for (const move of moves) {
          const { mode, phase, rewindTo } = driver.state;
          if (
            driver.make(move) !== null ||
            move.move === 'die' ||
            move.move === 'work' ||
            move.move === 'rewind'
          )
            continue;
          const onItsWayBack = move.move === 'cancel' && mode === 'rollback' && rewindTo === null;
          assert.ok(onItsWayBack || !isAllowed(mode, phase, move.move), `${mode} ${phase} ${move.move}`);
        }
      }),
    );
  });
});

function rollBack(driver: MessageDriver, ledger: Account): void {
  for (let left = 3 * driver.plan.steps.length + 5; driver.state.phase !== 'rolled_back'; left--) {
    assert.ok(left > 0, 'does not end');
    const { mode, phase, rewindTo } = driver.state;
    if (phase === 'parked') drive(driver, ledger, undone);
    else if (phase === 'done') drive(driver, ledger, { move: 'revert' });
    else if (mode === 'normal' || rewindTo !== null) drive(driver, ledger, cancel);
    else drive(driver, ledger, fair);
  }
}
