import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { backoffMs, mayRetry, RETRY_DEFAULT } from './backoff.ts';
import type { RetryPolicy } from './message.ts';

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  attempts: fc.integer({ min: 1, max: 5000 }),
  backoffMs: fc.integer({ min: 0, max: 100_000 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
  backoffMaxMs: fc.integer({ min: 0, max: 3_600_000 }),
  terminal: fc.constant([]),
});
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('backoff', () => {
  it('grows by the factor, up to the longest wait', () => {
    const nearlyOne = 1 - Number.EPSILON;
    const waits = [1, 2, 3, 7, 8].map(attempt => backoffMs(RETRY_DEFAULT, attempt, nearlyOne));
    assert.deepEqual(waits, [500, 1000, 2000, 30_000, 30_000]);
    assert.equal(backoffMs(RETRY_DEFAULT, 3, 0), 0);
    assert.equal(backoffMs(RETRY_DEFAULT, 3, 0.5), 1000);
  });

  it('is a whole number of milliseconds within its bounds, for any policy and attempt', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 5000 }), randoms, (policy, attempt, random) => {
        const wait = backoffMs(policy, attempt, random);
        assert.ok(Number.isSafeInteger(wait) && wait >= 0 && wait <= policy.backoffMaxMs, `${wait}`);
      }),
    );
  });

  it('is never shorter than what the step asked for', () => {
    fc.assert(
      fc.property(policies, randoms, fc.integer({ min: 0, max: 1e7 }), (policy, random, asked) => {
        assert.ok(backoffMs(policy, 1, random, asked) >= asked);
      }),
    );
  });

  it('ends with the attempts, and for codes on the list', () => {
    const error = { code: 'E', reason: '' };
    assert.deepEqual(
      [1, 2, 3, 4].map(attempt => mayRetry(RETRY_DEFAULT, attempt, error)),
      [true, true, false, false],
    );
    assert.equal(mayRetry({ ...RETRY_DEFAULT, attempts: 1 }, 1, error), false);
    assert.equal(mayRetry({ ...RETRY_DEFAULT, terminal: ['E'] }, 1, error), false);
  });
});
