import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FigureLists } from './figure-lists.ts';

test('lists of any length, of hosts in any order, and a branch of them', () => {
  const lists = new FigureLists();
  lists.set(3, [1, 2]);
  lists.set(0, []);
  lists.set(500, [7, 8, 9, 10]);
  lists.set(3, [5]);
  const branch = lists.branch();
  lists.figures[500 * lists.width + 1] = 0;
  lists.set(1, [1, 2, 3, 4, 5]);
  assert.deepEqual(
    [0, 1, 3, 500].map(at => lists.list(at)),
    [[], [1, 2, 3, 4, 5], [5], [7, 0, 9, 10]],
  );
  assert.deepEqual(
    [0, 1, 3, 500].map(at => branch.list(at)),
    [[], [], [5], [7, 8, 9, 10]],
  );
  assert.equal(lists.lengthOf(3), 1);
});
