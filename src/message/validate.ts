import type { z } from 'zod';
import { CoaxError, type Fault } from '../errors/coax-error.ts';
import { canonical } from './canonical.ts';
import { jsonFault, pointer } from './json-fault.ts';
import {
  GROUP_DEPTH_MAX,
  isParameterName,
  PARAMETER_NAMES_MAX,
  PARAMETERS_BYTES_MAX,
  PLAN_STEPS_MAX,
} from './limits.ts';
import { isGroup, type Parameters, type Plan, type Step } from './message.ts';
import { planSchema } from './plan-schema.ts';

/** Steps, branches and lists of groups take four levels each. */
const PLAN_DEPTH_MAX = 4 * (GROUP_DEPTH_MAX + 1) + 4;

/**
 * Parameters from anything: returned as they came, or refused. Nothing here recurses before the depth is known.
 *
 * Errors: COAX_MESSAGE_INVALID, COAX_MESSAGE_TOO_LARGE; `where` is a JSON pointer.
 */
export function validateParameters(given: unknown): Parameters {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw invalid({ where: '', reason: 'parameters are not a JSON object' }, '{"cpu": 2, "mem": 4096}');
  }
  let names = 0;
  for (const name of Object.keys(given)) {
    if (++names > PARAMETER_NAMES_MAX)
      throw tooLarge(`there are more than ${PARAMETER_NAMES_MAX} parameters`);
    if (!isParameterName(name)) {
      throw invalid(
        { where: pointer([name]), reason: `${JSON.stringify(shown(name))} cannot name a parameter` },
        'Letters, digits, _ . and -, a letter or _ first, 128 at most.',
      );
    }
  }
  const fault = jsonFault(given);
  if (fault !== null) throw invalid(fault);
  const bytes = bytesOf(given as Parameters);
  if (bytes > PARAMETERS_BYTES_MAX)
    throw tooLarge(`the parameters take ${bytes} bytes, more than ${PARAMETERS_BYTES_MAX}`);
  return given as Parameters;
}

/** Bytes of the canonical JSON; exact only near the limit and above it. */
function bytesOf(parameters: Parameters): number {
  let most = 2;
  for (const name in parameters) {
    const value = parameters[name];
    // A UTF-16 code unit takes 6 bytes at most (as \u0000); numbers, true and false 26 at most.
    if (typeof value === 'string') most += 6 * value.length;
    else if (typeof value === 'object' && value !== null) return exactBytes(parameters);
    most += name.length + 30;
  }
  return most <= PARAMETERS_BYTES_MAX ? most : exactBytes(parameters);
}

function exactBytes(parameters: Parameters): number {
  return new TextEncoder().encode(canonical(parameters)).length;
}

/**
 * A plan from anything, with defaults filled in.
 *
 * Errors: COAX_MESSAGE_INVALID with all faults, COAX_MESSAGE_TOO_LARGE.
 */
export function validatePlan(given: unknown): Plan {
  const example = '{"steps": [{"module": "network", "action": "alloc_ip"}]}';
  const unfit = jsonFault(given, PLAN_DEPTH_MAX);
  if (unfit !== null) throw invalid(unfit, example);
  const parsed = planSchema.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.flatMap(issue => faultsOf(issue, [], given)).slice(0, 20);
    throw invalid(faults[0]!, example, faults);
  }
  const plan = parsed.data as unknown as Plan;
  if (countSteps(plan.steps, 0) > PLAN_STEPS_MAX)
    throw tooLarge(`the plan has more than ${PLAN_STEPS_MAX} steps`);
  return plan;
}

/** Of the three forms of a step, the one whose word it has is what was meant. */
function faultsOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[], root: unknown): Fault[] {
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union') return [{ where: pointer(path), reason: issue.message }];
  let step: unknown = root;
  for (const key of path) step = (step as Record<PropertyKey, unknown>)[key];
  if (typeof step !== 'object' || step === null || Array.isArray(step))
    return [{ where: pointer(path), reason: 'a step is an object' }];
  const meant = issue.errors['all' in step ? 1 : 'each' in step ? 2 : 0] ?? [];
  return meant.flatMap(inner => faultsOf(inner, path, root));
}

function countSteps(steps: readonly Step[], depth: number): number {
  let count = steps.length;
  for (const step of steps) {
    if (!isGroup(step)) continue;
    if (depth >= GROUP_DEPTH_MAX)
      throw invalid({ where: '/steps', reason: `groups are nested deeper than ${GROUP_DEPTH_MAX}` });
    const branches = 'all' in step ? step.all.map(branch => branch.steps) : [step.steps];
    for (const branch of branches) count += countSteps(branch, depth + 1);
  }
  return count;
}

const shown = (name: string): string => (name.length > 64 ? `${name.slice(0, 64)}…` : name).toWellFormed();

function invalid(fault: Fault, hint?: string, faults: readonly Fault[] = [fault]): CoaxError {
  const where = fault.where || '/';
  return new CoaxError(
    'COAX_MESSAGE_INVALID',
    fault.reason,
    hint === undefined ? { where, faults } : { where, hint, faults },
  );
}

function tooLarge(reason: string): CoaxError {
  return new CoaxError('COAX_MESSAGE_TOO_LARGE', reason);
}
