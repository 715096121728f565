import assert from 'node:assert/strict';
import { it } from 'node:test';
import { runSeeds } from './run-seeds.ts';

// SEED=n tells one history again, with all that happened in it; COAX_SEEDS=n tells n of them, COAX_LONG=1 very many.
const only = process.env.SEED;
const count = Number(process.env.COAX_SEEDS ?? (process.env.COAX_LONG === '1' ? 20_000 : 2000));
const first = only === undefined ? 1 : Number(only);
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => first + index) : [first];
const SHOWN_MAX = 10;

it(`keeps every promise in ${seeds.length} histories of crashes, losses and people's decisions`, async () => {
  const failed: string[] = [];
  let crashes = 0;
  let tolerated = 0;
  await runSeeds(seeds, (seed, outcome) => {
    crashes += outcome.crashes;
    tolerated += outcome.tolerated;
    if (only !== undefined) console.log(outcome.trace.join('\n'));
    if (outcome.violations.length === 0) return;
    failed.push(
      `SEED=${seed} node --test test/simulation/simulation.test.ts\n    ${outcome.violations.join('\n    ')}`,
    );
  });
  assert.deepEqual(
    failed.slice(0, SHOWN_MAX),
    [],
    `${failed.length} of ${seeds.length} histories broke a promise`,
  );
  if (only !== undefined) return;
  assert.ok(crashes > seeds.length / 4, 'the histories hold crashes');
  assert.ok(tolerated > seeds.length / 50, `${tolerated} groups were done although branches failed`);
});
