import { jsonFault } from '../message/json-fault.ts';
import { isParameterName, NAME } from '../message/limits.ts';
import { publicUses } from '../message/secret/public-uses.ts';
import type { FlowDefinition, ParameterSchema, Place } from './flow.ts';
import { escapeKey, type FlowFaults } from './flow-faults.ts';
import { isObject } from './is-object.ts';
import { readSchema } from './read-schema.ts';
import { readSteps } from './read-steps.ts';

/** Groups lie 8 deep at most, and each takes up to four levels; schemas are far flatter. */
const FLOW_DEPTH_MAX = 64;
const FLOW_KEYS = ['name', 'about', 'parameters', 'steps'];
const EXAMPLE = `A flow: {name: create_vm, parameters: {cpu: {type: integer}}, steps: ["resource select_host"]}`;

export interface FlowOrigin {
  readonly file: string | null;
  readonly source: string | null;
  readonly places: ReadonlyMap<string, Place | null>;
}

/** Reads a flow from plain data. Throws COAX_FLOW_INVALID with all its faults. */
export function readFlow(raw: unknown, origin: FlowOrigin, faults: FlowFaults): FlowDefinition {
  const unfit = jsonFault(raw, FLOW_DEPTH_MAX);
  if (unfit !== null) faults.add(unfit.where, unfit.reason, EXAMPLE);
  else if (!isObject(raw))
    faults.add('', raw == null ? 'the flow is empty' : 'a flow is a map of keys', EXAMPLE);
  faults.throwIfAny();
  const flow = raw as Record<string, unknown>;
  faults.unknownKeys('', flow, FLOW_KEYS, EXAMPLE);
  const { name, about } = flow;
  if (typeof name !== 'string' || !NAME.test(name)) {
    faults.add(
      '/name',
      name === undefined ? '`name` is missing' : `${JSON.stringify(name)} cannot name a flow`,
      'name: create_vm (small letters, digits, _ and -, a letter first)',
    );
  }
  if (about != null && typeof about !== 'string')
    faults.add('/about', '`about` is not text', 'about: Makes a VM and gives it an address');
  const parameters = readParameters(flow.parameters, faults);
  const steps = readSteps(flow.steps, '/steps', faults);
  for (const { name, by, where } of publicUses(steps)) {
    if (parameters[name]?.secret !== true) continue;
    faults.add(where, `\`${by}\` reads "${name}", which is secret`, NO_SECRET[by]);
  }
  faults.throwIfAny();
  return { name: name as string, about: (about as string | undefined) ?? '', parameters, steps, ...origin };
}

const NO_SECRET = {
  at: 'The name of a host is no secret.',
  each: 'Put `secret: true` on the items of the list, or in them.',
  tolerate: 'How many may fail is no secret.',
} as const;

function readParameters(raw: unknown, faults: FlowFaults): Record<string, ParameterSchema> {
  const example = 'parameters: {cpu: {type: integer, minimum: 1}}';
  if (raw == null) return {};
  if (!isObject(raw)) {
    faults.add('/parameters', '`parameters` is not a map of names', example);
    return {};
  }
  const parameters: Record<string, ParameterSchema> = {};
  for (const [name, schema] of Object.entries(raw)) {
    const at = `/parameters/${escapeKey(name)}`;
    if (!isParameterName(name)) {
      faults.add(
        at,
        `${JSON.stringify(name)} cannot name a parameter`,
        `${example}; letters, digits, _ . and -, a letter or _ first`,
      );
      continue;
    }
    parameters[name] = readSchema(schema, at, faults, true);
  }
  return parameters;
}
