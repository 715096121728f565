import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Timers } from '../timers.ts';
import { DbClock } from './db-clock.ts';

function timersAt(state: { at: number }): Timers {
  return { monotonic: () => state.at, after: () => () => {}, soon: () => {} };
}

test('never ahead of the database, never behind an answer, never back', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ wait: fc.integer({ min: 0, max: 50_000 }), there: fc.nat(80), back: fc.nat(80) }),
        {
          minLength: 1,
        },
      ),
      fc.integer({ min: -1e6, max: 1e6 }),
      (answers, offset) => {
        const state = { at: 1000 };
        const clock = new DbClock(timersAt(state));
        const database = (): number => state.at + 1_750_000_000_000 + offset;
        let latest = 0;
        for (const { wait, there, back } of answers) {
          state.at += wait + there;
          const reading = database();
          state.at += back;
          clock.heard(reading);
          const now = clock.now();
          assert.ok(now <= database() && now >= reading && now >= latest);
          latest = now;
        }
      },
    ),
  );
});

test('a database that goes on with an earlier clock is followed after a while', () => {
  const state = { at: 0 };
  const clock = new DbClock(timersAt(state));
  clock.heard(1_000_000);
  for (state.at = 10_000; state.at <= 200_000; state.at += 10_000) clock.heard(990_000 + state.at);
  state.at += 100_000;
  assert.equal(clock.now(), 990_000 + state.at);
});
