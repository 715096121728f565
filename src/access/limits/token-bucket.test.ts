import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBuckets } from './token-bucket.ts';

function at(rate: number, burst: number, keysMax?: number) {
  let now = 0;
  const buckets = new TokenBuckets(rate, burst, () => now, keysMax);
  return {
    buckets,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('so many at once, then so many a second', () => {
  const { buckets, pass } = at(10, 3);
  const takes = [1, 2, 3, 4].map(() => buckets.take('a'));
  assert.deepEqual(
    takes.map(({ ok }) => ok),
    [true, true, true, false],
  );
  assert.deepEqual(takes[3], { ok: false, waitMs: 100 });
  pass(99);
  assert.equal(buckets.take('a').ok, false);
  pass(1);
  assert.deepEqual(buckets.take('a'), { ok: true, left: 0, resetMs: 300 });
});

test('a quiet time gives no more than the burst', () => {
  const { buckets, pass } = at(10, 3);
  buckets.take('a');
  pass(3_600_000);
  assert.deepEqual(buckets.take('a'), { ok: true, left: 2, resetMs: 100 });
});

test('keys do not take from each other, and asking how long takes nothing', () => {
  const { buckets } = at(1, 1);
  buckets.take('a');
  assert.equal(buckets.take('b').ok, true);
  assert.equal(buckets.waitMs('a'), 1000);
  assert.equal(buckets.waitMs('c'), 0);
  assert.equal(buckets.take('c').ok, true);
});

test('a rate of 0 is no limit', () => {
  const { buckets } = at(0, 1);
  for (let i = 0; i < 100; i++) assert.equal(buckets.take('a').ok, true);
  assert.equal(buckets.size, 0);
});

test('a flood of keys takes no more memory than is given', () => {
  const { buckets, pass } = at(1, 1, 100);
  for (let i = 0; i < 1000; i++) buckets.take(`key ${i}`);
  assert.ok(buckets.size <= 100, String(buckets.size));
  // The newest still owes.
  assert.equal(buckets.take('key 999').ok, false);
  pass(1000);
  buckets.take('another');
  for (let i = 0; i < 100; i++) buckets.take(`more ${i}`);
  assert.ok(buckets.size <= 100);
});
