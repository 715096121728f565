import { hash } from 'node:crypto';
import { z } from 'zod';
import { CoaxError } from '../errors/coax-error.ts';
import { jsonFault, pointer } from '../message/json-fault.ts';
import type { Json, Parameters } from '../message/message.ts';
import { type StepOutcome, terminal } from '../message/outcome.ts';
import type { Action, StepCall } from './contract.ts';
import { outcomeOfError } from './outcome-of-error.ts';

/** An action as `defineModule` was given it, its types forgotten. */
export interface ActionSpec {
  readonly about?: string;
  readonly input: z.ZodObject;
  readonly output: z.ZodObject;
  readonly transactional?: boolean;
  do(input: unknown, call: StepCall): unknown;
  undo?(input: unknown, output: unknown, call: StepCall): unknown;
  together?(calls: readonly GivenCall[]): Promise<readonly unknown[]>;
}

interface GivenCall {
  readonly input: unknown;
  readonly call: StepCall;
}

/** Where an action's code lies: the file and the SHA-256 (hex) of its bytes; null for what is built in. */
export interface CodeSource {
  readonly file: string;
  readonly hash: string;
}

const DONE: StepOutcome = { kind: 'ok', set: {} };

/**
 * Makes a TypeScript function an action. Input and output are checked by their schemas at this edge; nothing that the
 * function throws gets past it. Runs 40,000 times a second and more: nothing is made per call that is not needed.
 */
export function makeFunctionAction(
  module: string,
  name: string,
  spec: ActionSpec,
  source: CodeSource | null,
): Action {
  const input = stripping(spec.input);
  const done = (given: unknown): StepOutcome => outcomeOfOutput(spec.output, given);
  const undone = (): StepOutcome => ({ kind: 'ok', set: {} });

  function run(call: StepCall): StepOutcome | Promise<StepOutcome> {
    try {
      if (call.mode === 'rollback') return undo(call);
      const parsed = input.safeParse(call.parameters);
      if (!parsed.success) return inputFault(parsed.error);
      const given = spec.do(parsed.data, call);
      return isPromise(given) ? given.then(done, error => outcomeOfError(error, call)) : done(given);
    } catch (error) {
      return outcomeOfError(error, call);
    }
  }

  function undo(call: StepCall): StepOutcome | Promise<StepOutcome> {
    if (spec.undo === undefined) {
      return terminal('COAX_STEP_IRREVERSIBLE', `${module} ${name} has no undo`);
    }
    const parsed = input.safeParse(call.parameters);
    if (!parsed.success) {
      // The same check kept `do` from beginning, unless it has set something: then a person must look.
      return hasMembers(call.output) ? inputFault(parsed.error) : DONE;
    }
    const given = spec.undo(parsed.data, call.output, call);
    return isPromise(given) ? given.then(undone, error => outcomeOfError(error, call)) : DONE;
  }

  return {
    module,
    name,
    kind: spec.transactional === true ? 'transactional' : 'function',
    code: codeHash(module, name, spec, source),
    undoable: spec.undo !== undefined,
    about: spec.about ?? '',
    input: z.toJSONSchema(spec.input, { io: 'input', unrepresentable: 'any' }),
    output: z.toJSONSchema(spec.output, { unrepresentable: 'any' }),
    file: source?.file ?? null,
    run,
    ...(spec.together && { together: calls => runTogether(spec, input, calls) }),
  };
}

/** Calls whose input does not fit, and those that undo, are left to `run`. */
async function runTogether(
  spec: ActionSpec,
  input: z.ZodObject,
  calls: readonly StepCall[],
): Promise<(StepOutcome | null)[]> {
  const outcomes: (StepOutcome | null)[] = calls.map(() => null);
  const given: GivenCall[] = [];
  const places: number[] = [];
  for (const [place, call] of calls.entries()) {
    const parsed = call.mode === 'rollback' ? null : input.safeParse(call.parameters);
    if (!parsed?.success) continue;
    given.push({ input: parsed.data, call });
    places.push(place);
  }
  const outputs = given.length === 0 ? [] : await spec.together!(given);
  for (const [index, output] of outputs.entries()) {
    if (output === null) continue;
    const outcome = outcomeOfOutput(spec.output, output);
    // What was written with it must not be kept.
    if (outcome.kind !== 'ok') throw new CoaxError('COAX_STEP_OUTPUT', outcome.error.reason);
    outcomes[places[index]!] = outcome;
  }
  return outcomes;
}

/** A step sees all of the message's parameters: those its schema does not name are none of its business. */
function stripping(schema: z.ZodObject): z.ZodObject {
  return schema.def.catchall === undefined ? schema : schema.strip();
}

function codeHash(module: string, name: string, spec: ActionSpec, source: CodeSource | null): string {
  const code = source === null ? `${spec.do}\n${spec.undo ?? ''}${spec.together ?? ''}` : source.hash;
  return hash('sha256', `${module} ${name}\n${code}`, 'hex');
}

function outcomeOfOutput(schema: z.ZodObject, given: unknown): StepOutcome {
  const parsed = schema.safeParse(given ?? {});
  if (!parsed.success)
    return terminal('COAX_STEP_OUTPUT', `the output does not fit its schema: ${issuesOf(parsed.error)}`);
  const set = parsed.data as Record<string, Json | undefined>;
  const fault = jsonFault(set);
  if (fault !== null)
    return terminal('COAX_STEP_OUTPUT', `the output cannot be kept: ${fault.where}: ${fault.reason}`);
  for (const key in set) if (set[key] === undefined) delete set[key];
  return { kind: 'ok', set: set as Parameters };
}

function inputFault(error: z.ZodError): StepOutcome {
  return terminal('COAX_STEP_INPUT', `the input does not fit its schema: ${issuesOf(error)}`);
}

function issuesOf(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map(issue => `${pointer(issue.path) || '/'}: ${issue.message}`)
    .join('; ');
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function hasMembers(object: object): boolean {
  for (const _ in object) return true;
  return false;
}
