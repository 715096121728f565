import { sameJson } from '../message/canonical.ts';
import type { Json, Parameters } from '../message/message.ts';
import type { Chain, Commit, CommitBody } from './commit.ts';
import { foldCommits } from './fold.ts';

/** How one parameter differs. */
export type Change =
  | { readonly name: string; readonly kind: 'added'; readonly after: Json }
  | { readonly name: string; readonly kind: 'removed'; readonly before: Json }
  | { readonly name: string; readonly kind: 'changed'; readonly before: Json; readonly after: Json };

/** A member of two commits that is not the same; null where a commit lacks it. */
export interface MemberDiff {
  readonly member: keyof CommitBody;
  readonly a: Json;
  readonly b: Json;
}

export interface CommitSide {
  readonly commit: Commit;
  /** Parameters before and after the commit. */
  readonly before: Parameters;
  readonly after: Parameters;
  /** What the commit itself changed. */
  readonly changes: readonly Change[];
}

export interface CommitDiff {
  readonly a: CommitSide;
  readonly b: CommitSide;
  readonly members: readonly MemberDiff[];
  /** From the parameters after `a` to those after `b`. */
  readonly parameters: readonly Change[];
}

/** Two messages: where they part, and how they ended. */
export interface MessageDiff {
  /** Null when they did the same, as far as both went, and are equally long. */
  readonly divergence: Divergence | null;
  /** From the parameters at the end of `a` to those at the end of `b`. */
  readonly parameters: readonly Change[];
}

export interface Divergence {
  readonly seq: number;
  /** Null on the side whose chain had ended. */
  readonly a: Commit | null;
  readonly b: Commit | null;
  readonly members: readonly MemberDiff[];
}

/** What leads from one set of parameters to another, by name. */
export function diffParameters(before: Parameters, after: Parameters): readonly Change[] {
  const changes: Change[] = [];
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    const now = Object.hasOwn(after, name) ? after[name] : undefined;
    if (old === undefined && now !== undefined) changes.push({ name, kind: 'added', after: now });
    else if (now === undefined && old !== undefined) changes.push({ name, kind: 'removed', before: old });
    else if (old !== undefined && now !== undefined && !sameJson(old, now)) {
      changes.push({ name, kind: 'changed', before: old, after: now });
    }
  }
  return changes;
}

const MEMBERS: readonly (keyof CommitBody)[] = [
  'msgid', 'seq', 'parent', 'mode', 'cursor', 'step', 'attempt', 'outcome', 'set', 'unset', 'error', 'log', 'detail',
  'worker', 'code', 'actor', 'started', 'finished',
]; // biome-ignore format: reads as a list

/** The members that say what a commit did, not to which message, when or by whom. */
const DEEDS: readonly (keyof CommitBody)[] = ['mode', 'cursor', 'step', 'attempt', 'outcome', 'set', 'unset'];

/** Compares two commits; `before` is the parameters before each of them. */
export function diffCommits(
  a: { commit: Commit; before: Parameters },
  b: { commit: Commit; before: Parameters },
): CommitDiff {
  const sideA = sideOf(a.commit, a.before);
  const sideB = sideOf(b.commit, b.before);
  return {
    a: sideA,
    b: sideB,
    members: differing(a.commit, b.commit, MEMBERS),
    parameters: diffParameters(sideA.after, sideB.after),
  };
}

/** Compares two messages by their chains, each from its first commit on. */
export async function diffMessages(a: Chain, b: Chain): Promise<MessageDiff> {
  const [walkA, walkB] = [new Walk(a), new Walk(b)];
  let divergence: Divergence | null = null;
  for (let seq = 0; ; seq++) {
    const [left, right] = await Promise.all([walkA.next(), walkB.next()]);
    if (left === null && right === null) break;
    const members = left === null || right === null ? [] : differing(left, right, DEEDS);
    if (left === null || right === null || members.length > 0)
      divergence ??= { seq, a: left, b: right, members };
  }
  return { divergence, parameters: diffParameters(walkA.parameters, walkB.parameters) };
}

/** A chain commit by commit, with the parameters so far. */
class Walk {
  parameters: Parameters = {};
  readonly #commits: Iterator<Commit> | AsyncIterator<Commit>;

  constructor(chain: Chain) {
    this.#commits = Symbol.asyncIterator in chain ? chain[Symbol.asyncIterator]() : chain[Symbol.iterator]();
  }

  async next(): Promise<Commit | null> {
    const { done, value } = await this.#commits.next();
    if (done) return null;
    this.parameters = foldCommits(this.parameters, [value]);
    return value;
  }
}

function sideOf(commit: Commit, before: Parameters): CommitSide {
  const after = foldCommits(before, [commit]);
  return { commit, before, after, changes: diffParameters(before, after) };
}

function differing(a: Commit, b: Commit, members: readonly (keyof CommitBody)[]): readonly MemberDiff[] {
  return members.flatMap(member => {
    const left = (a[member] ?? null) as Json;
    const right = (b[member] ?? null) as Json;
    return sameJson(left, right) ? [] : [{ member, a: left, b: right }];
  });
}
