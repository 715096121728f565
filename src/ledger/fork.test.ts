import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isCoaxError } from '../errors/coax-error.ts';
import { parametersOf } from '../message/parameters.ts';
import { historyOf, someHistories } from '../testing/message-history.ts';
import { type Move, someMoves, someParameters } from '../testing/random-message.ts';
import { forkState } from './fork.ts';
import { replay } from './replay.ts';

describe('fork', () => {
  it('goes on from any commit with a way forward, with its parameters and the edits, and owns only what it does itself', async () => {
    await fc.assert(
      fc.asyncProperty(
        someHistories,
        fc.nat(),
        someParameters,
        async ({ commits, states, plan }, pick, edit) => {
          const seq = pick % commits.length;
          const then = states[seq]!;
          fc.pre(then.mode === 'normal' && then.phase !== 'done');
          const state = await forkState(commits.slice(0, seq + 1), plan, edit);
          assert.deepEqual(parametersOf(state), { ...parametersOf(then), ...edit });
          const { base: _base, ...rest } = state;
          assert.deepEqual(rest, {
          mode: 'normal', cursor: then.cursor, attempt: 0, phase: 'open', cause: null, error: null, undoError: null,
          rewindTo: null, floor: then.cursor, trail: [], generation: null,
        }); // biome-ignore format: short members
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is refused where the message was on its way back or done, and the hint names a commit that works', async () => {
    await fc.assert(
      fc.asyncProperty(someHistories, fc.nat(), async ({ commits, states, plan }, pick) => {
        const seq = pick % commits.length;
        const then = states[seq]!;
        fc.pre(then.mode === 'rollback' || then.phase === 'done');
        const run = commits.slice(0, seq + 1);
        const error: unknown = await forkState(run, plan, {}).catch(refusal => refusal);
        assert.ok(isCoaxError(error, 'COAX_MESSAGE_STATE'));
        const named = run.findIndex(({ id }) => error.hint.includes(id.slice(0, 12)));
        assert.ok(named >= 0, error.hint);
        assert.ok(await forkState(run.slice(0, named + 1), plan, {}));
      }),
      { numRuns: 200 },
    );
  });

  it('of a fork is one again, and any fork rolled back ends at its own start with its own parameters', async () => {
    await fc.assert(
      fc.asyncProperty(
        someHistories,
        fc.array(someMoves(false), { maxLength: 10 }),
        async ({ commits, states, plan }, moves) => {
          const then = states.at(-1)!;
          fc.pre(then.mode === 'normal' && then.phase !== 'done');
          const first = await forkState(commits, plan, { a: 'edited' });
          const back: Move[] = [
            ...moves,
            ...Array.from({ length: 40 }, (): Move[] => [
              { move: 'resolve', how: 'undone', edit: {} },
              { move: 'cancel' },
              { move: 'revert' },
              { move: 'work', kind: 'ok', set: {} },
            ]).flat(),
          ];
          const fork = historyOf(plan, first.base, back, { cursor: first.cursor });
          assert.equal(fork.state.phase, 'rolled_back');
          assert.deepEqual(parametersOf(fork.state), first.base);
          for (const { mode, cursor } of fork.commits)
            if (mode === 'rollback') assert.ok(cursor >= first.cursor);
          assert.deepEqual(replay(fork.commits, plan), fork.state);
          const again = await forkState(fork.commits.slice(0, 1), plan, {});
          assert.deepEqual(again, first);
        },
      ),
      { numRuns: 100 },
    );
  });
});
