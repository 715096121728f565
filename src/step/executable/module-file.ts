import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { readConfig } from '../../config-file/read-config.ts';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import { checkerOf, faultOf } from '../../flow/check-value.ts';
import type { ParameterSchema } from '../../flow/flow.ts';
import { FlowFaults } from '../../flow/flow-faults.ts';
import { readSchema } from '../../flow/read-schema.ts';
import type { ProcessLimits } from '../../linux/process/process-spec.ts';
import type { Json, Parameters } from '../../message/message.ts';

import { limitsSchema } from './limits.ts';

const properties = z.record(z.string(), z.unknown());

const moduleFileSchema = z.strictObject({
  about: z.string().default(''),
  actions: z
    .record(
      z.string(),
      z.strictObject({
        about: z.string().default(''),
        irreversible: z.boolean().default(false),
        limits: limitsSchema.optional(),
        /** Said for readers: a program of its own cannot be part of the store's transaction. */
        transactional: z.literal('never').optional(),
        input: properties.optional(),
        output: properties.optional(),
      }),
    )
    .default({}),
});

/** Values declared for one side of an action, ready to check. */
export interface Declared {
  /** JSON Schema of the object. */
  readonly schema: object;
  readonly defaults: Parameters;
  readonly checker: z.ZodType;
}

/** What `module.yaml` says of one executable. */
export interface ActionDeclaration {
  readonly about: string;
  readonly irreversible: boolean;
  readonly limits?: ProcessLimits | undefined;
  readonly input: Declared | null;
  readonly output: Declared | null;
}

export const UNDECLARED: ActionDeclaration = { about: '', irreversible: false, input: null, output: null };

export type ModuleFile =
  | { readonly declarations: ReadonlyMap<string, ActionDeclaration> }
  | { fault: string };

/**
 * The declarations in a module's optional `module.yaml`, by action: `{about, actions: {ACTION: {about, irreversible,
 * transactional: never, limits, input, output}}}`. `input` and `output` are described as a flow's parameters are; those with a
 * default may be missing. Gives the reason instead if the file is faulty.
 */
export function readModuleFile(file: string): ModuleFile {
  if (!existsSync(file)) return { declarations: new Map() };
  try {
    const config = readConfig(readFileSync(file, 'utf8'), basename(file), moduleFileSchema);
    if ('faults' in config) {
      const [{ where, reason }] = config.faults;
      return { fault: `${reason} (at ${where})` };
    }
    const faults = new FlowFaults(null, new Map());
    const declarations = new Map<string, ActionDeclaration>();
    for (const [name, { about, irreversible, limits, input, output }] of Object.entries(
      config.value.actions,
    )) {
      declarations.set(name, {
        about,
        irreversible,
        limits,
        input: declare(input, `/actions/${name}/input`, faults),
        output: declare(output, `/actions/${name}/output`, faults),
      });
    }
    return { declarations };
  } catch (error) {
    const where = error instanceof CoaxError && error.where ? ` (at ${error.where})` : '';
    return { fault: textOf(error) + where };
  }
}

/** Values described as a flow's parameters are, ready to check. `at`: where that stands, for errors. */
export function declareValues(raw: Readonly<Record<string, unknown>>, at: string): Declared {
  return declare({ ...raw }, at, new FlowFaults(null, new Map()))!;
}

function declare(raw: Record<string, unknown> | undefined, at: string, faults: FlowFaults): Declared | null {
  if (raw === undefined) return null;
  const schemas: [string, ParameterSchema][] = Object.entries(raw).map(([name, schema]) => [
    name,
    readSchema(schema, `${at}/${name}`, faults, true),
  ]);
  faults.throwIfAny();
  const defaults: Record<string, Json> = {};
  for (const [name, schema] of schemas) if (schema.default !== undefined) defaults[name] = schema.default;
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(schemas),
      required: schemas.map(([name]) => name).filter(name => !Object.hasOwn(defaults, name)),
    },
    defaults,
    checker: z.looseObject(Object.fromEntries(schemas.map(([name, schema]) => [name, checkerOf(schema)]))),
  };
}

/** Values with the declared defaults filled in, or the first way in which they do not fit. */
export function checkDeclared(
  declared: Declared | null,
  values: Parameters,
): { values: Parameters } | { fault: string } {
  if (declared === null) return { values };
  const filled = { ...declared.defaults, ...values };
  const fault = faultOf(declared.checker, filled);
  return fault === null ? { values: filled } : { fault: `${fault.where} ${fault.reason}` };
}
