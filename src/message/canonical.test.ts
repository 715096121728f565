import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import oracle from 'canonicalize';
import fc from 'fast-check';
import { canonical, canonicalString, sameJson } from './canonical.ts';

const json = fc.jsonValue({ stringUnit: 'binary' });
const refused = { code: 'COAX_MESSAGE_INVALID' };

describe('canonical JSON (RFC 8785)', () => {
  it('is what the reference implementation writes, for any JSON value', () => {
    fc.assert(
      fc.property(json, value => assert.equal(canonical(value), oracle(value))),
      { numRuns: 500 },
    );
  });

  it('reads back as the same value', () => {
    fc.assert(
      fc.property(json, value => assert.equal(canonical(JSON.parse(canonical(value))), canonical(value))),
    );
  });

  it('does not depend on the order in which members were added', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary' }), fc.integer()),
        fc.integer(),
        (object, turn) => {
          const members = Object.entries(object);
          const at = members.length === 0 ? 0 : Math.abs(turn) % members.length;
          const turned = Object.fromEntries([...members.slice(at), ...members.slice(0, at)].reverse());
          assert.equal(canonical(turned), canonical(object));
        },
      ),
    );
  });

  it('sorts by UTF-16 code unit, not by code point (the example of RFC 8785, 3.2.3)', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6'];
    const text = canonical(Object.fromEntries(keys.map(key => [key, 0])));
    assert.deepEqual(Object.keys(JSON.parse(text)), [
      '1',
      '\r',
      '\u0080',
      '\u00f6',
      '\u20ac',
      '\u{1f600}',
      '\ufb33',
    ]);
  });

  it('writes numbers as ECMAScript does', () => {
    for (const number of [0, -0, 1e21, 1e-7, 333333333.3333333, 4.5, 2e-3, 5e-324, Number.MAX_VALUE]) {
      assert.equal(canonical(number), oracle(number));
    }
    assert.equal(canonical(-0), '0');
  });

  it('leaves out members that are undefined', () => {
    assert.equal(canonical({ a: undefined, b: 1, c: undefined }), '{"b":1}');
  });

  it('refuses what has no canonical form', () => {
    for (const value of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      -Number.POSITIVE_INFINITY,
      undefined,
      () => 1,
      1n,
      Symbol('x'),
    ]) {
      assert.throws(() => canonical(value), refused, String(value));
      assert.throws(() => canonical([1, value]), refused, String(value));
    }
    // biome-ignore lint/suspicious/noSparseArray: a hole is the point
    assert.throws(() => canonical([1, , 2]), refused);
    for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800']) {
      assert.throws(() => canonicalString(text), refused);
      assert.throws(() => canonical({ [text]: 1 }), refused);
      assert.throws(() => canonical({ a: [text] }), refused);
    }
  });

  it('tells equal values from different ones', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        assert.ok(sameJson(a, structuredClone(a)));
        assert.equal(sameJson(a, b), oracle(a) === oracle(b));
      }),
    );
    assert.equal(sameJson(null, {}), false);
    assert.equal(sameJson([], {}), false);
    assert.equal(sameJson('1', 1), false);
  });
});
