import type { ActionStep, Parameters, Plan, Step, Tolerant } from '../../src/message/message.ts';
import { ACTIONS, HOSTS, MODULES } from './actions.ts';
import type { Random } from './random.ts';

/** A plan of up to five steps, with groups and groups in groups. */
export function randomPlan(random: Random, depth = 0): Plan {
  const steps = Array.from({ length: random.int(1, depth === 0 ? 5 : 2) }, () => randomStep(random, depth));
  return { steps };
}

function randomStep(random: Random, depth: number): Step {
  if (depth < 2 && random.chance(0.18)) {
    if (random.chance(0.5)) {
      const all = Array.from({ length: random.int(1, 3) }, (_, index) => ({
        name: `b${index}`,
        steps: randomPlan(random, depth + 1).steps,
      }));
      return { all, ...randomTolerance(random, depth) };
    }
    return {
      each: 'items',
      as: 'item',
      limit: random.int(1, 3),
      ...(random.chance(0.5) && { collect: `all${depth}` }),
      ...randomTolerance(random, depth),
      steps: randomPlan(random, depth + 1).steps,
    };
  }
  return randomAction(random);
}

/** Every other group lets branches fail. */
function randomTolerance(random: Random, depth: number): Tolerant {
  if (random.chance(0.5)) return {};
  return { tolerate: random.pick([0, 1, 2, '50%', '100%', 'spare']), failed: `lost${depth}` };
}

function randomAction(random: Random): ActionStep {
  return {
    module: random.pick(MODULES),
    action: random.chance(0.04) ? 'final' : random.pick(ACTIONS.slice(0, 2)),
    ...(random.chance(0.3) && { at: 'host' }),
    timeoutMs: random.pick([3000, 10_000]),
    retry: { attempts: random.int(1, 4), backoffMs: 200, factor: 2, backoffMaxMs: 3000, terminal: [] },
  };
}

export function randomParameters(random: Random): Parameters {
  return {
    host: random.pick(HOSTS),
    cpu: random.int(1, 8),
    spare: random.pick([0, 1, '34%']),
    items: Array.from({ length: random.int(0, 4) }, (_, index) => `i${index}`),
  };
}
