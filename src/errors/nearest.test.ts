import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, meantHint, nearest } from './nearest.ts';

test('the nearest known name is meant, a far one is not', () => {
  assert.equal(nearest('men', ['cpu', 'mem']), 'mem');
  assert.equal(nearest('timeuot', ['timeout', 'retry']), 'timeout');
  assert.equal(nearest('CPU', ['cpu']), 'cpu');
  assert.equal(nearest('disk', ['cpu', 'mem']), null);
  assert.equal(nearest('x'.repeat(1e6), ['cpu']), null);
  const flows = ['create_vm', 'stop_vm', 'start_vm'];
  assert.equal(nearest('create_vn', flows), 'create_vm');
  assert.equal(nearest('network', flows), null);
});

test('a swap of neighbours is one edit', () => {
  assert.equal(nearest('ba', ['ab']), 'ab');
  assert.equal(nearest('strat_vm', ['stop_vm', 'start_vm']), 'start_vm');
});

test('a reason names what is known, a hint only what was meant', () => {
  assert.equal(didYouMean('men', ['cpu', 'mem']), '; did you mean "mem"?');
  assert.equal(didYouMean('disk', ['cpu', 'mem']), '; known: cpu, mem');
  assert.equal(meantHint('STOP_VM', ['create_vm', 'stop_vm']), 'did you mean `stop_vm`? ');
  assert.equal(meantHint('disk', ['cpu', 'mem']), '');
});
