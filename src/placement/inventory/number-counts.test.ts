import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { NumberCounts } from './number-counts.ts';

it('counts as a map does, few numbers and many', () => {
  const numbers = fc.array(fc.integer({ min: -1, max: 60 }), { maxLength: 200 });
  const property = fc.property(numbers, added => {
    const counts = new NumberCounts();
    const expected = new Map<number, number>();
    for (const number of added) {
      counts.add(number);
      expected.set(number, (expected.get(number) ?? 0) + 1);
    }
    assert.equal(counts.size, expected.size);
    assert.deepEqual(counts.numbers, [...expected.keys()]);
    for (let number = -1; number <= 61; number += 1) {
      assert.equal(counts.of(number), expected.get(number) ?? 0);
      assert.equal(counts.has(number), expected.has(number));
    }
  });
  fc.assert(property);
});
