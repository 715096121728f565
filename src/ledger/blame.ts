import type { Json, Parameters } from '../message/message.ts';
import type { Chain, Commit } from './commit.ts';
import { howOf } from './replay.ts';

/** Which commit gave a parameter the value it has. */
export interface BlameLine {
  readonly name: string;
  readonly value: Json;
  /** id of the commit. */
  readonly commit: string;
  readonly seq: number;
  readonly step: string | null;
  readonly worker: string | null;
  readonly code: string | null;
  readonly actor: string;
  readonly finished: number;
}

interface Layer {
  /** Index of the step that set it; null for what was given at the start and for what a person edited. */
  readonly step: number | null;
  readonly set: Parameters;
  readonly commit: Commit;
}

/**
 * Who set each parameter that the message has after these commits (its chain from the first one on), or the one of
 * that name, by name. Empty when there is none.
 *
 * A value that came back because a later step was undone is laid to the commit that first set it, not to the undo: the
 * undo chose nothing.
 */
export async function blame(commits: Chain, name?: string): Promise<readonly BlameLine[]> {
  const newest = new Map<string, BlameLine>();
  for (const { set, commit } of await layersOf(commits)) {
    for (const [key, value] of Object.entries(set)) {
      if (name === undefined || key === name) newest.set(key, lineOf(key, value, commit));
    }
  }
  return [...newest.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The layers of the parameters that are still in force, the oldest first; the same as base and trail of the message. */
async function layersOf(commits: Chain): Promise<readonly Layer[]> {
  let layers: Layer[] = [];
  for await (const commit of commits) {
    const undoes = commit.mode === 'rollback' && (commit.outcome === 'ok' || isUndoneByHand(commit));
    if (undoes) layers = layers.filter(layer => layer.step !== commit.cursor);
    else if (commit.set !== undefined) {
      layers.push({ step: commit.outcome === 'ok' ? commit.cursor : null, set: commit.set, commit });
    }
  }
  return layers;
}

function isUndoneByHand(commit: Commit): boolean {
  return commit.outcome === 'resolve' && ['skip', 'undone'].includes(howOf(commit));
}

function lineOf(name: string, value: Json, commit: Commit): BlameLine {
  const { id, seq, step, worker, code, actor, finished } = commit;
  return { name, value, commit: id, seq, step, worker, code, actor, finished };
}
