import { sameJson } from './canonical.ts';
import type { Json, MessageState, Parameters, Partly, TrailEntry } from './message.ts';

/** A change of parameters: names to set and names to drop. */
export interface Delta {
  readonly set: Parameters;
  readonly unset: readonly string[];
}

/** The parameters now: `base` with every entry of the trail laid over it, oldest first. */
export function foldParameters(base: Parameters, trail: readonly TrailEntry[]): Parameters {
  if (trail.length === 0) return base;
  const folded: Record<string, Json> = { ...base };
  for (const entry of trail) Object.assign(folded, 'edit' in entry ? entry.edit : entry.set);
  return folded;
}

export function parametersOf(state: MessageState): Parameters {
  return foldParameters(state.base, state.trail);
}

/**
 * What undoing the step at that index is given: the parameters as the step found them, without what it has set itself
 * and without what a person changed for the way forward since, but with what was changed for this undo.
 */
export function parametersToUndo(state: MessageState, step: number): Parameters {
  const seen = state.trail.filter(entry =>
    'edit' in entry ? entry.from === undefined || entry.from <= step : entry.step !== step,
  );
  return foldParameters(state.base, seen);
}

/** What the step at that index has set; empty if it never finished. */
export function outputOf(state: MessageState, step: number): Parameters {
  for (const entry of state.trail) if ('step' in entry && entry.step === step) return entry.set;
  return {};
}

/** How the group at that index was done although branches failed; null if none did, or it is not done. */
export function partlyOf(state: MessageState, step: number): Partly | null {
  for (const entry of state.trail) if ('step' in entry && entry.step === step) return entry.partly ?? null;
  return null;
}

/** What dropping the trail's entry of that step changes: earlier values come back, the others go. */
export function dropDelta(state: MessageState, step: number): { trail: readonly TrailEntry[]; delta: Delta } {
  const dropped = state.trail.find(entry => 'step' in entry && entry.step === step);
  if (dropped === undefined || !('step' in dropped)) return { trail: state.trail, delta: NO_DELTA };
  const trail = state.trail.filter(entry => entry !== dropped);
  const before = parametersOf(state);
  const after = foldParameters(state.base, trail);
  const set: Record<string, Json> = {};
  const unset: string[] = [];
  for (const name of Object.keys(dropped.set)) {
    if (!Object.hasOwn(after, name)) unset.push(name);
    else if (!sameJson(after[name], before[name])) set[name] = after[name] as Json;
  }
  return { trail, delta: { set, unset: unset.sort() } };
}

/** The same without the members that are undefined, which JSON does not have; the same object if there are none. */
export function withoutUndefined(parameters: Parameters): Parameters {
  for (const name in parameters) {
    if (parameters[name] === undefined) {
      return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
    }
  }
  return parameters;
}

export const NO_DELTA: Delta = { set: {}, unset: [] };

export function applyDelta(parameters: Parameters, delta: Delta): Parameters {
  const next: Record<string, Json> = { ...parameters, ...delta.set };
  for (const name of delta.unset) delete next[name];
  return next;
}
