import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CoaxError } from '../errors/coax-error.ts';
import type { Json } from '../message/message.ts';
import { isSealed, sealed, viewText } from '../message/secret/sealed.ts';
import { KeyFile } from './key-file.ts';
import { SecretBox } from './secret-box.ts';

const dir = mkdtempSync(join(tmpdir(), 'coax-keys-'));
after(() => rmSync(dir, { recursive: true }));
let files = 0;
const fresh = (): KeyFile => new KeyFile(join(dir, `keys-${++files}.json`));
const code = (expected: string) => (error: unknown) => error instanceof CoaxError && error.code === expected;

const VALUES: readonly Json[] = [
  'pässword',
  '',
  12.5,
  true,
  null,
  ['a', { b: [1] }],
  { z: 1, a: 'x'.repeat(70_000) },
];

test('what is sealed opens again, and is another text each time', () => {
  const keys = fresh();
  keys.add(1);
  const box = new SecretBox(keys);
  for (const value of VALUES) {
    const first = box.seal(value);
    const second = box.seal(value);
    assert.deepEqual(box.open(first), value);
    assert.ok(isSealed(JSON.parse(JSON.stringify(first))));
    assert.notEqual(JSON.stringify(first), JSON.stringify(second));
    assert.ok(!viewText({ first }).includes(first.$secret.data!));
  }
});

test('once: the same text and value give the same again; another text, value or key does not', () => {
  const keys = fresh();
  keys.add(1);
  const box = new SecretBox(keys);
  const text = (value: Json, once: string): string => JSON.stringify(box.seal(value, once));
  assert.equal(text('a', 'k1'), text('a', 'k1'));
  assert.equal(new Set([text('a', 'k1'), text('a', 'k2'), text('b', 'k1')]).size, 3);
  assert.deepEqual(box.open(box.seal('a', 'k1')), 'a');
  const old = text('a', 'k1');
  keys.add(2);
  assert.notEqual(text('a', 'k1'), old);
});

test('what was changed, or put under another key, does not open', () => {
  const keys = fresh();
  keys.add(1);
  const box = new SecretBox(keys);
  const { key, iv, data } = box.seal('pass').$secret as Required<ReturnType<SecretBox['seal']>['$secret']>;
  const flip = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
  for (const wrong of [
    sealed(key, flip(iv), data),
    sealed(key, iv, flip(data)),
    sealed(key, iv, ''),
    sealed(key, '', data),
  ])
    assert.throws(() => box.open(wrong), code('COAX_SECRET_BROKEN'));
  const other = keys.add(2);
  assert.throws(() => box.open(sealed(other.id, iv, data)), code('COAX_SECRET_BROKEN'));
  assert.throws(() => box.open(sealed('0'.repeat(16), iv, data)), code('COAX_SECRET_KEY_MISSING'));
});

test('old keys open, the newest seals, and a key that was removed is gone', () => {
  const keys = fresh();
  assert.deepEqual(keys.list(), []);
  assert.throws(() => keys.newest(), code('COAX_SECRET_KEY_MISSING'));
  const first = keys.add(1);
  const box = new SecretBox(keys);
  const old = box.seal('pass');
  const second = keys.add(2);
  assert.equal(box.seal('pass').$secret.key, second.id);
  assert.deepEqual(box.open(old), 'pass');
  // Another process sees what this one wrote.
  const elsewhere = new KeyFile(keys.path);
  assert.deepEqual(
    elsewhere.list().map(key => key.id),
    [first.id, second.id],
  );
  keys.remove(first.id);
  assert.deepEqual(
    elsewhere.list().map(key => key.id),
    [second.id],
  );
  assert.throws(() => box.open(old), code('COAX_SECRET_KEY_MISSING'));
});

test('the file is its owner’s alone, and one that is not is refused without telling what is in it', () => {
  const keys = fresh();
  const key = keys.add(1);
  assert.equal(statSync(keys.path).mode & 0o777, 0o600);
  chmodSync(keys.path, 0o640);
  assert.throws(() => new KeyFile(keys.path).list(), code('COAX_SECRET_KEY_FILE'));
  chmodSync(keys.path, 0o600);
  writeFileSync(keys.path, readFileSync(keys.path, 'utf8').slice(0, -5));
  assert.throws(
    () => new KeyFile(keys.path).list(),
    error =>
      code('COAX_SECRET_KEY_FILE')(error) &&
      !JSON.stringify(error).includes(key.bytes.toString('base64').slice(0, 8)),
  );
  assert.throws(() => new KeyFile(join(dir, 'no/such/folder')).add(1), code('COAX_SECRET_KEY_FILE'));
});
