import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countMembers, membersOf, repeatedName } from './json-shape.ts';

const isDeeperThan = (text: string, most: number): boolean => countMembers(text, most) < 0;

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

test('counts the members of any JSON as walking it does, and finds no name twice', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.equal(countMembers(text, 64), membersOf(JSON.parse(text)));
      assert.equal(repeatedName(text), null);
    }),
    { seed: 7, numRuns: 500 },
  );
});

test('a name that comes again is found, however it is written and wherever it stands', () => {
  const found: readonly [text: string, where: string][] = [
    ['{"a":1,"a":1}', '/a'],
    ['{"a":"a","b":{"c":[{},{"x":"x:", "x" : 2}]}}', '/b/c/1/x'],
    ['{"a":1,"\\u0061":2}', '/a'],
    ['[[1,{"a/b~":"\\"","a/b~":{}}]]', '/0/1/a~1b~0'],
    ['{"1":1,"b":[{"a":1},{"a":1}],"1":2}', '/1'],
    ['{"":0,"":1}', '/'],
  ];
  for (const [text, where] of found) {
    assert.equal(repeatedName(text), where, text);
    assert.ok(countMembers(text, 64) > membersOf(JSON.parse(text)), text);
  }
});
