import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isDeeperThan } from './json-depth.ts';

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

test('the level that is one too many', () => {
  assert.equal(isDeeperThan(nested(64), 64), false);
  assert.equal(isDeeperThan(nested(65), 64), true);
  assert.equal(isDeeperThan(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 64), true);
});

test('what lies beside each other is not deep', () => {
  assert.equal(isDeeperThan(`[${'[],'.repeat(1000)}{}]`, 3), false);
});

test('brackets in texts do not count, and quotes in texts end nothing', () => {
  assert.equal(isDeeperThan(JSON.stringify({ a: nested(100), b: '"[[[[[\\' }), 3), false);
  assert.equal(isDeeperThan(`{"a\\"":${nested(5)}}`, 5), true);
  assert.equal(isDeeperThan(`["\\\\",${nested(5)}]`, 5), true);
  assert.equal(isDeeperThan('["', 1), false);
});

test('says of any JSON what walking it says', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null
      ? 1 + Math.max(0, ...Object.values(value).map(member => depthOf(member)))
      : 0;
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 1, max: 5 }), (value, most) => {
      assert.equal(isDeeperThan(JSON.stringify(value), most), depthOf(value) > most);
    }),
    { seed: 7, numRuns: 500 },
  );
});
