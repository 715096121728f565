import type { FlowDefinition, ParameterSchemas, Place } from './flow.ts';
import { escapeKey, FlowFaults } from './flow-faults.ts';
import { readFlow } from './read-flow.ts';

/** How a step is written in a flow, in YAML and in TypeScript alike. Lengths of time are `500ms`, `30s`, `2m`, `1h`, `1d`. */
export type StepSyntax =
  | string
  | { readonly do: string; readonly at?: string; readonly timeout?: string; readonly retry?: RetrySyntax }
  | {
      readonly all: readonly (
        | readonly StepSyntax[]
        | { readonly name?: string; readonly steps: readonly StepSyntax[] }
      )[];
      readonly tolerate?: number | string;
      readonly failed?: string;
    }
  | {
      readonly each: string;
      readonly as?: string;
      readonly limit?: number;
      readonly collect?: string;
      readonly tolerate?: number | string;
      readonly failed?: string;
      readonly steps: readonly StepSyntax[];
    };

export interface RetrySyntax {
  readonly attempts?: number;
  readonly backoff?: string;
  readonly factor?: number;
  readonly backoffMax?: string;
  readonly terminal?: readonly string[];
}

export interface FlowSyntax {
  readonly name: string;
  readonly about?: string;
  readonly parameters?: ParameterSchemas;
  readonly steps: readonly StepSyntax[];
}

const MADE = new WeakSet<object>();

/** Did `defineFlow` make this? */
export function isFlowDefinition(value: unknown): value is FlowDefinition {
  return typeof value === 'object' && value !== null && MADE.has(value);
}

/** A flow from TypeScript: the same object that its YAML gives. Errors: COAX_FLOW_INVALID, with JSON pointers. */
export function defineFlow(flow: FlowSyntax): FlowDefinition {
  const places = pointersOf(flow);
  const definition = readFlow(flow, { file: null, source: null, places }, new FlowFaults(null, places));
  MADE.add(definition);
  return definition;
}

/** What the author wrote, so that lint can tell it from defaults. Stops well below the depth that a flow may have. */
function pointersOf(root: unknown): Map<string, Place | null> {
  const places = new Map<string, Place | null>();
  const open: { value: unknown; at: string; depth: number }[] = [{ value: root, at: '', depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    places.set(next.at, null);
    if (typeof next.value !== 'object' || next.value === null || next.depth > 80 || places.size > 100_000)
      continue;
    for (const [key, value] of Object.entries(next.value)) {
      open.push({ value, at: `${next.at}/${escapeKey(key)}`, depth: next.depth + 1 });
    }
  }
  return places;
}
