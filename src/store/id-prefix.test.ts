import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { prefixNumber, prefixRange } from './id-prefix.ts';

test('the number of an id is that of its first 12 hex digits, however they are written', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.string(), (value, rest) => {
      const digits = value.toString(16).padStart(12, '0');
      assert.equal(prefixNumber(digits + rest), value);
      assert.equal(prefixNumber(digits.toUpperCase() + rest), value);
      assert.deepEqual(prefixRange(digits), [value, value]);
    }),
  );
});

test('a damaged id has a number too, the one of the digits that it has', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), id => {
      const parsed = Number.parseInt(id.slice(0, 12), 16);
      assert.equal(prefixNumber(id), Number.isSafeInteger(parsed) ? parsed : 0);
    }),
  );
  for (const id of ['', 'zz', '12', '1234567890:b', '12345678901G', '1234567890a`'])
    assert.equal(prefixNumber(id), Number.parseInt(id.slice(0, 12), 16) || 0, id);
});
