import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AllStep } from '../message.ts';
import { isPartly, isTolerance, toleranceParameter, toleratedOf } from './tolerance.ts';

const group = (tolerate?: number | string): AllStep => ({
  all: [],
  ...(tolerate !== undefined && { tolerate }),
});

test('how many branches may fail: none unless said, never more than there are, a share rounded down', () => {
  const cases: [tolerate: number | string | undefined, of: number, tolerated: number][] = [
    [undefined, 100, 0],
    [0, 100, 0],
    [3, 100, 3],
    [3, 2, 2],
    ['5%', 100, 5],
    ['5%', 10, 0],
    ['7%', 100, 7],
    ['0.5%', 1000, 5],
    ['33.333333%', 3, 0],
    ['100%', 7, 7],
    ['0%', 7, 0],
  ];
  for (const [tolerate, of, tolerated] of cases)
    assert.equal(toleratedOf(group(tolerate), {}, of), tolerated, `${tolerate} of ${of}`);
});

test('property: of so many branches a whole percentage tolerates its exact share', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.nat(100_000), (percent, of) => {
      assert.equal(toleratedOf(group(`${percent}%`), {}, of), Math.floor((percent * of) / 100));
    }),
  );
});

test('a parameter says it, and one that does not is named', () => {
  assert.equal(toleranceParameter(group('spare')), 'spare');
  assert.equal(toleranceParameter(group('5%')), null);
  assert.equal(toleratedOf(group('spare'), { spare: '10%' }, 30), 3);
  assert.equal(toleratedOf(group('spare'), { spare: 4 }, 30), 4);
  for (const spare of [undefined, null, -1, 1.5, 'other', '101%', '5', [], true])
    assert.match(String(toleratedOf(group('spare'), { spare: spare as never }, 30)), /the parameter spare/);
});

test('what a tolerance is', () => {
  for (const good of [0, 1, 1_000_000, '0%', '99.5%', '100%', 'spare'])
    assert.ok(isTolerance(good), `${good}`);
  for (const bad of [-1, 0.5, 1e7, '100.1%', '-5%', '5 %', '%', '', '5', null, [], Number.NaN])
    assert.ok(!isTolerance(bad), String(bad));
});

test('what a group says of its failures has three numbers that agree', () => {
  assert.ok(isPartly({ failed: 1, of: 3, tolerated: 2 }));
  for (const bad of [
    { failed: 0, of: 3, tolerated: 2 },
    { failed: 3, of: 3, tolerated: 2 },
    { failed: 1, of: 3, tolerated: 4 },
    { failed: 1, of: 3 },
    { failed: 1, of: 3, tolerated: 2, more: 1 },
    { failed: '1', of: 3, tolerated: 2 },
    null,
    [1, 2, 3],
  ])
    assert.ok(!isPartly(bad), JSON.stringify(bad));
});
