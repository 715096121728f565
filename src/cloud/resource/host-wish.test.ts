import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMilliOf } from './host-wish.ts';

test('thousandths of CPUs are what was asked for, whatever binary makes of it; less than one is one', () => {
  for (let milli = 1; milli <= 200_000; milli += 1) assert.equal(cpuMilliOf(milli / 1000), milli);
  assert.deepEqual([32.2, 0.0001, 1e-9, 1.0001, 0, 4096].map(cpuMilliOf), [32_200, 1, 1, 1001, 0, 4_096_000]);
});
