import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RETRY_DEFAULT } from '../message/backoff.ts';
import { parametersOf } from '../message/parameters.ts';
import { historyOf, someHistories } from '../testing/message-history.ts';
import type { Move } from '../testing/random-message.ts';
import { blame } from './blame.ts';

const step = (module: string, action: string) => ({ module, action, timeoutMs: 1000, retry: RETRY_DEFAULT });
const PLAN = {
  steps: [step('resource', 'select_host'), step('network', 'alloc_ip'), step('compute', 'create_vm')],
};
const ok = (set: Record<string, string | number>): Move => ({ move: 'work', kind: 'ok', set });
const failed: Move = { move: 'work', kind: 'terminal', set: {} };

describe('blame', () => {
  it('names the step, worker, code and actor that set each parameter', async () => {
    const { commits } = historyOf(PLAN, { cpu: 2 }, [ok({ host: 'h1' }), ok({ ip: '10.0.0.7' })]);
    assert.deepEqual(
      (await blame(commits)).map(({ name, value, seq, step, worker, actor }) => [
        name,
        value,
        seq,
        step,
        worker,
        actor,
      ]),
      [
        ['cpu', 2, 0, null, null, 'ann'],
        ['host', 'h1', 1, 'resource select_host', 'w1', 'coax'],
        ['ip', '10.0.0.7', 2, 'network alloc_ip', 'w1', 'coax'],
      ],
    );
    const [line] = await blame(commits, 'ip');
    assert.equal(line?.commit, commits[2]?.id);
    assert.equal(line?.code, commits[2]?.code);
    assert.deepEqual(await blame(commits, 'mac'), []);
  });

  it('a value that an undo brought back is laid to the commit that first set it', async () => {
    const { commits } = historyOf(PLAN, { cpu: 2 }, [
      ok({ host: 'h1' }),
      ok({ cpu: 4, host: 'h2' }),
      failed,
      ok({}),
      ok({}),
    ]);
    assert.deepEqual(commits.at(-1)?.set, { cpu: 2, host: 'h1' });
    assert.deepEqual(
      (await blame(commits)).map(({ name, value, seq }) => [name, value, seq]),
      [
        ['cpu', 2, 0],
        ['host', 'h1', 1],
      ],
    );
  });

  it('an edit is laid to the person, also when steps beneath it are undone', async () => {
    const { commits } = historyOf(PLAN, {}, [
      ok({ host: 'h1' }),
      { move: 'rewind', to: 0, edit: { host: 'h9' } },
      ok({}),
    ]);
    const [line] = await blame(commits, 'host');
    assert.deepEqual([line?.value, line?.actor, line?.seq], ['h9', 'bob', 2]);
  });

  it('explains every parameter of any message and no other, by a commit that set just that value', async () => {
    await fc.assert(
      fc.asyncProperty(someHistories, async ({ commits, state }) => {
        const lines = await blame(commits);
        assert.deepEqual(
          Object.fromEntries(lines.map(({ name, value }) => [name, value])),
          parametersOf(state),
        );
        for (const line of lines) {
          const commit = commits[line.seq]!;
          assert.equal(commit.id, line.commit);
          assert.deepEqual(commit.set?.[line.name], line.value);
          assert.ok(commit.mode === 'normal' || commit.outcome !== 'ok', 'never an undo');
          assert.deepEqual(await blame(commits, line.name), [line]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
