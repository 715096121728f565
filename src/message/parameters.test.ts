import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Parameters, TrailEntry } from './message.ts';
import {
  applyDelta,
  dropDelta,
  foldParameters,
  NO_DELTA,
  outputOf,
  parametersOf,
  withoutUndefined,
} from './parameters.ts';
import { startState } from './start-state.ts';

const names = fc.constantFrom('a', 'b', 'c', 'd');
const values = fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constantFrom([1], { x: 1 }, null, 'text'));
const parameters: fc.Arbitrary<Parameters> = fc.dictionary(names, values, { noNullPrototype: true });
const trails: fc.Arbitrary<TrailEntry[]> = fc
  .array(fc.tuple(fc.boolean(), parameters), { maxLength: 6 })
  .map(entries => entries.map(([isEdit, set], step) => (isEdit ? { edit: set } : { step, set })));

const stateOf = (base: Parameters, trail: readonly TrailEntry[]) => ({
  ...startState({ steps: [] }, base),
  trail,
});

describe('parameters', () => {
  it('are the base with the trail laid over it, the newest on top', () => {
    const trail = [{ step: 0, set: { a: 1, b: 1 } }, { edit: { b: 2 } }, { step: 1, set: { c: 3 } }];
    assert.deepEqual(foldParameters({ z: 0, a: 0 }, trail), { z: 0, a: 1, b: 2, c: 3 });
    assert.deepEqual(outputOf(stateOf({}, trail), 1), { c: 3 });
    assert.deepEqual(outputOf(stateOf({}, trail), 7), {});
  });

  it('after dropping any step, the delta leads from the old ones to the new ones and holds no more than that', () => {
    fc.assert(
      fc.property(parameters, trails, fc.nat(6), (base, trail, step) => {
        const state = stateOf(base, trail);
        const before = parametersOf(state);
        const dropped = dropDelta(state, step);
        const after = foldParameters(
          base,
          trail.filter(entry => !('step' in entry) || entry.step !== step),
        );
        assert.deepEqual(applyDelta(before, dropped.delta), after);
        assert.deepEqual(parametersOf({ ...state, trail: dropped.trail }), after);
        for (const name of Object.keys(dropped.delta.set)) assert.notDeepEqual(before[name], after[name]);
        for (const name of dropped.delta.unset) assert.ok(Object.hasOwn(before, name));
        // A copy that shares no object with the first gives the same commit.
        assert.deepEqual(dropDelta(structuredClone(state), step), dropped);
      }),
    );
  });

  it('a delta may set and drop, and changes nothing in place', () => {
    const old = Object.freeze({ a: 1, b: 2 });
    assert.deepEqual(applyDelta(old, { set: { c: 3 }, unset: ['a'] }), { b: 2, c: 3 });
    assert.deepEqual(applyDelta(old, NO_DELTA), old);
  });

  it('without undefined members', () => {
    const clean = { a: 1, b: null };
    assert.equal(withoutUndefined(clean), clean);
    assert.deepEqual(withoutUndefined({ a: 1, b: undefined } as unknown as Parameters), { a: 1 });
  });
});
