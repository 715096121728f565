import { z } from 'zod';
import { CoaxError } from '../errors/coax-error.ts';
import { isParameterName, NAME } from '../message/limits.ts';
import type { Tx } from '../store/tx.ts';
import type { Action, StepCall } from './contract.ts';
import { type ActionSpec, type CodeSource, makeFunctionAction } from './function-action.ts';

/** The call of a transactional action: what is written through `tx` and the message's move are one transaction. */
export type TransactionalCall = StepCall & { readonly tx: Tx };

interface Functions<Input extends z.ZodObject, Output extends z.ZodObject, Call> {
  /** Does the step. What it returns joins the message's parameters. Must be safe to repeat: `call.key` is its idempotency key. */
  do(input: z.output<Input>, call: Call): z.input<Output> | Promise<z.input<Output>>;
  /** Undoes the step. Must be safe to repeat, and safe when the step did nothing: `output` is empty then. */
  undo?(input: z.output<Input>, output: Partial<z.output<Output>>, call: Call): void | Promise<void>;
}

/** One action of a module, as its author writes it. */
export type ActionDefinition<Input extends z.ZodObject, Output extends z.ZodObject> = {
  /** One line for people. */
  readonly about?: string;
  /** The parameters that the action reads; it is given only these. */
  readonly input: Input;
  /** The parameters that it sets. */
  readonly output: Output;
  /** Said instead of an `undo`, when there can be none. */
  readonly irreversible?: true;
} & (
  | ({ readonly transactional?: false } & Functions<Input, Output, StepCall>)
  | ({ readonly transactional: true } & Functions<Input, Output, TransactionalCall> &
      Together<z.output<Input>, z.input<Output>>)
);

interface Together<Input, Output> {
  /**
   * Does many calls at once, where an engine has a use for it: all with the same `tx`, in few statements. Other such
   * transactions run at the same time, so it takes nothing for granted that it has read: it checks as it writes, or locks what
   * it reads. Null: nothing was written for that call, and `do` does it, alone. When it throws, nothing is kept, and `do`
   * does each.
   */
  together?(
    calls: readonly { readonly input: Input; readonly call: TransactionalCall }[],
  ): Promise<readonly (Output | null)[]>;
}

/** A module: its actions, ready for the catalogue. Made by `defineModule` only. */
export interface ModuleDefinition {
  readonly name: string;
  readonly about: string;
  readonly actions: readonly Action[];
  /** The same actions as they are known when the module came from a file. */
  fromFile(source: CodeSource): readonly Action[];
}

const MADE = new WeakSet<object>();

/** Did `defineModule` make this? */
export function isModuleDefinition(value: unknown): value is ModuleDefinition {
  return typeof value === 'object' && value !== null && MADE.has(value);
}

/**
 * Defines a module from typed functions. Types of inputs and outputs are inferred from the Zod schemas.
 *
 * Errors: COAX_MODULE_INVALID for a bad name, or an action that has neither an `undo` nor `irreversible: true`.
 */
export function defineModule<
  Inputs extends Record<string, z.ZodObject>,
  Outputs extends { [Name in keyof Inputs]: z.ZodObject },
>(spec: {
  readonly name: string;
  readonly about?: string;
  readonly actions: { [Name in keyof Inputs]: ActionDefinition<Inputs[Name], Outputs[Name]> } & {
    [Name in keyof Outputs]: { readonly output: Outputs[Name] };
  };
}): ModuleDefinition {
  const { name, about = '' } = spec;
  assertName(name, 'module');
  const specs = Object.entries(spec.actions as Record<string, ActionSpec & { irreversible?: true }>);
  if (specs.length === 0) throw invalid(`module ${name} has no actions`, name);
  for (const [action, given] of specs) assertAction(name, action, given);
  const make = (source: CodeSource | null): readonly Action[] =>
    specs.map(([action, given]) => makeFunctionAction(name, action, given, source));
  const definition: ModuleDefinition = { name, about, actions: make(null), fromFile: make };
  MADE.add(definition);
  return definition;
}

function assertAction(module: string, action: string, spec: ActionSpec & { irreversible?: true }): void {
  assertName(action, 'action');
  const where = `${module} ${action}`;
  if (typeof spec?.do !== 'function') throw invalid(`${where} has no \`do\` function`, where);
  for (const side of ['input', 'output'] as const) {
    if (!(spec[side] instanceof z.ZodObject))
      throw invalid(`${side} of ${where} is not a z.object({…})`, where);
    for (const name of Object.keys(spec[side].shape)) {
      if (!isParameterName(name))
        throw invalid(`${side} of ${where}: ${JSON.stringify(name)} cannot name a parameter`, where);
    }
  }
  if (spec.undo === undefined && spec.irreversible !== true) {
    throw invalid(
      `${where} has no undo`,
      where,
      'Give it `undo` (an empty one if there is nothing to undo), or say `irreversible: true`.',
    );
  }
  if (spec.undo !== undefined && spec.irreversible === true) {
    throw invalid(`${where} has an undo and says \`irreversible: true\``, where, 'Drop one of the two.');
  }
}

function assertName(name: string, what: string): void {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw invalid(
      `${JSON.stringify(name)} cannot name ${what === 'action' ? 'an action' : 'a module'}`,
      String(name),
      'Small letters, digits, _ and -, a letter first: alloc_ip.',
    );
  }
}

function invalid(reason: string, where: string, hint?: string): CoaxError {
  return new CoaxError('COAX_MODULE_INVALID', reason, hint === undefined ? { where } : { where, hint });
}
