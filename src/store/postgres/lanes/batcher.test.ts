import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REAL_TIMERS } from '../../timers.ts';
import { Batcher } from './batcher.ts';

/** Batches that end when they are told to. */
function manual(options: { lanes: number; max: number; min: number }) {
  const batches: number[][] = [];
  const ends: (() => void)[] = [];
  const batcher = new Batcher<number>({
    ...options,
    timers: REAL_TIMERS,
    run(batch) {
      batches.push([...batch]);
      return new Promise(resolve => ends.push(resolve));
    },
  });
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(() => setImmediate(resolve)));
  return { batcher, batches, ends, turn };
}

test('what is asked for in one turn goes together; the next batch fills meanwhile', async () => {
  const { batcher, batches, ends, turn } = manual({ lanes: 1, max: 10, min: 1 });
  for (const n of [1, 2, 3]) batcher.push(n);
  await turn();
  for (const n of [4, 5]) batcher.push(n);
  await turn();
  assert.deepEqual(batches, [[1, 2, 3]]);
  ends.shift()?.();
  await turn();
  assert.deepEqual(batches, [
    [1, 2, 3],
    [4, 5],
  ]);
  const drained = batcher.drained();
  ends.shift()?.();
  await drained;
});

test('another lane begins only with enough, and no batch is too large', async () => {
  const { batcher, batches, ends, turn } = manual({ lanes: 2, max: 4, min: 3 });
  batcher.push(1);
  await turn();
  batcher.push(2);
  batcher.push(3);
  await turn();
  assert.equal(batches.length, 1, 'two are too few');
  for (const n of [4, 5, 6, 7]) batcher.push(n);
  await turn();
  assert.deepEqual(batches, [[1], [2, 3, 4, 5]]);
  ends.shift()?.();
  await turn();
  assert.equal(batches.length, 2, 'beside one under way, two are too few again');
  ends.shift()?.();
  await turn();
  assert.deepEqual(batches.at(-1), [6, 7]);
});

test('items that may not be together wait for a later batch, in order', async () => {
  const batches: string[][] = [];
  const batcher = new Batcher<string>({
    timers: REAL_TIMERS,
    lanes: 1,
    max: 10,
    min: 1,
    async run(batch) {
      batches.push([...batch]);
    },
    joiner: () => {
      const seen = new Set<string>();
      return item => !seen.has(item) && Boolean(seen.add(item));
    },
  });
  for (const item of ['a', 'a', 'b', 'a']) batcher.push(item);
  await batcher.drained();
  assert.deepEqual(batches, [['a', 'b'], ['a'], ['a']]);
});
