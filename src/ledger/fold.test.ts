import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parametersOf } from '../message/parameters.ts';
import { someHistories } from '../testing/message-history.ts';
import { foldCommits } from './fold.ts';

describe('fold', () => {
  it('of any chain gives the parameters after each commit, from the start or from any point between', () => {
    fc.assert(
      fc.property(someHistories, fc.nat(), ({ commits, states }, pick) => {
        const from = pick % commits.length;
        states.forEach((state, seq) => {
          assert.deepEqual(foldCommits({}, commits.slice(0, seq + 1)), parametersOf(state));
          if (seq < from) return;
          assert.deepEqual(
            foldCommits(parametersOf(states[from]!), commits.slice(from + 1, seq + 1)),
            parametersOf(state),
          );
        });
      }),
    );
  });
});
