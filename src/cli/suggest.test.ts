import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, editDistance, suggest } from './suggest.ts';

test('the nearest name is meant, a far one is not', () => {
  const flows = ['create_vm', 'stop_vm', 'start_vm'];
  assert.equal(suggest('create_vn', flows), 'create_vm');
  assert.equal(suggest('strat_vm', flows), 'start_vm');
  assert.equal(suggest('network', flows), null);
  assert.equal(didYouMean('STOP_VM', flows), 'did you mean `stop_vm`? ');
});

test('a swap of neighbours is one edit', () => {
  assert.deepEqual(
    [
      editDistance('ab', 'ba'),
      editDistance('', 'abc'),
      editDistance('abc', 'abc'),
      editDistance('abc', 'axc'),
    ],
    [1, 3, 0, 1],
  );
});
