import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CROSSED_OUT, Scrubber } from './scrub.ts';

const SECRET = 'Tr0ub4dor&3 "läuft"/\\ok';
const scrubber = new Scrubber([SECRET]);

const FORMS: readonly (readonly [what: string, text: string])[] = [
  ['as it is', `user=x password=${SECRET} ok`],
  ['in JSON', JSON.stringify({ password: SECRET })],
  ['in JSON in JSON', JSON.stringify({ body: JSON.stringify({ password: SECRET }) })],
  ['in a URL', `postgres://x:${encodeURIComponent(SECRET)}@db`],
  ['in a form', new URLSearchParams({ password: SECRET }).toString()],
  [
    'in a URL of Python',
    `http://h/${encodeURIComponent(SECRET).replaceAll('%2F', '/').replaceAll("'", '%27')}`,
  ],
  ['in small percent signs', encodeURIComponent(SECRET).replace(/%[0-9A-F]{2}/g, code => code.toLowerCase())],
  ['in JSON of Python', JSON.stringify(SECRET).replace('ä', '\\u00e4')],
  ['in JSON of PHP', JSON.stringify(SECRET).replaceAll('/', '\\/')],
  ['in HTML', SECRET.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replace('ä', '&#228;')],
  ['in Base64', Buffer.from(SECRET).toString('base64')],
  ['in Base64 of a URL', Buffer.from(SECRET).toString('base64url')],
  ...['a', 'ab', 'abc', 'user:'].map(
    before => [`in Base64 after ${before}`, Buffer.from(`${before}${SECRET}\n`).toString('base64')] as const,
  ),
  ['in hexadecimal', Buffer.from(SECRET).toString('hex')],
  ['in capital hexadecimal', Buffer.from(SECRET).toString('hex').toUpperCase()],
];

for (const [what, text] of FORMS) {
  test(`crosses out a secret ${what}`, () => {
    assert.ok(scrubber.finds(text));
    const clean = scrubber.text(text);
    assert.ok(clean.includes(CROSSED_OUT), clean);
    // Nothing of it is left that would be found again.
    assert.ok(!scrubber.finds(clean), clean);
    for (let at = 0; at + 6 <= SECRET.length; at++)
      assert.ok(!clean.includes(SECRET.slice(at, at + 6)), clean);
  });
}

test('crosses out what a cut left of a secret', () => {
  const key = 'abcdefghijklmnop';
  const own = new Scrubber([key]);
  assert.equal(own.text('…\nxyz'), '…\nxyz');
  assert.equal(own.text('ghijklmnop was refused'), `${CROSSED_OUT} was refused`);
  assert.equal(own.text('refused: abcdefghi'), `refused: ${CROSSED_OUT}`);
  assert.equal(own.text('not JSON: "abcdefgh…"; line 1'), `not JSON: "${CROSSED_OUT}…"; line 1`);
  assert.equal(own.text('near "…efghijkl…"'), `near "…${CROSSED_OUT}…"`, 'its middle');
  for (const [source, left] of [
    [`pin: ${key} and more`, 'pin: [secret]'],
    [`{"a": "x", "b": ${key}, "c": "something more of it"}`, '"b": [secret]'],
  ] as const) {
    // As V8 quotes what it cannot read.
    assert.throws(
      () => JSON.parse(source),
      (error: Error) => {
        const text = own.text(error.message);
        assert.doesNotMatch(text, /abcdef|ghijkl|klmnop/, error.message);
        assert.ok(text.includes(left), text);
        return true;
      },
    );
  }
});

test('each line of a long secret counts, and names and numbers too', () => {
  const pem = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----';
  const own = new Scrubber([{ pem, pin: 738291 }]);
  assert.equal(own.text('read MIIEvQIBADANBg'), `read ${CROSSED_OUT}`);
  assert.deepEqual(own.value({ 'pin 738291': [738291, 7] }), { [`pin ${CROSSED_OUT}`]: [CROSSED_OUT, 7] });
});

test('a secret of many escapes is searched for in a moment', () => {
  const own = new Scrubber([`${'\\\\"'.repeat(300)}x`]);
  assert.equal(own.finds('\\\\'.repeat(20_000)), false);
  assert.equal(own.finds(`${'\\\\"'.repeat(299)}y`.repeat(20)), false);
});

test('a text that holds none stays as it is, and short secrets are not looked for', () => {
  assert.equal(scrubber.text('nothing here'), 'nothing here');
  assert.equal(new Scrubber(['abc', '', true, null]).text('abc true'), 'abc true');
});
