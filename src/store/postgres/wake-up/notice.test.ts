import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNotice, encodeNotices, type Notice } from './notice.ts';

const notice = (more: Partial<Notice>): Notice => ({
  origin: 7,
  ready: [],
  asked: [],
  commits: false,
  listens: false,
  asks: false,
  ...more,
});

test('a notice comes as it was sent', () => {
  const sent = notice({
    ready: ['net', 'disk@h1'],
    asked: [[3, 'w1']],
    commits: true,
    listens: true,
    asks: true,
  });
  assert.deepEqual(encodeNotices(sent).map(decodeNotice), [sent]);
});

test('too many addresses become a call to look at all', () => {
  const many = Array.from({ length: 101 }, (_, n) => `m${n}`);
  assert.deepEqual(encodeNotices(notice({ ready: many })).map(decodeNotice), [notice({ ready: null })]);
  const long = Array.from({ length: 60 }, (_, n) => `${'m'.repeat(200)}${n}`);
  assert.deepEqual(encodeNotices(notice({ ready: long })).map(decodeNotice), [notice({ ready: null })]);
});

test('no payload is longer than PostgreSQL takes, and no ask is lost', () => {
  const asked = Array.from({ length: 2000 }, (_, n) => [n, `worker-${n}-${'ü'.repeat(30)}`] as const);
  const payloads = encodeNotices(notice({ ready: ['net'], asked, commits: true }));
  for (const payload of payloads) assert.ok(Buffer.byteLength(payload) < 8000);
  const heard = payloads.map(decodeNotice);
  assert.deepEqual(
    heard.flatMap(each => each?.asked ?? []),
    asked,
  );
  assert.equal(heard.filter(each => each?.commits).length, 1);
});

test('what others send on the channel is no notice', () => {
  for (const text of ['', 'hello', '{}', '{"o":"x"}', 'null']) assert.equal(decodeNotice(text), null, text);
});
