import { CoaxError } from '../errors/coax-error.ts';
import type { Labels } from '../message/carried/labels.ts';
import type { Trace } from '../message/carried/trace.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Json, ParentLink } from '../message/message.ts';
import type { Commit } from './commit.ts';

/** What the first commit of a chain says of its message, in `detail`. */
export interface AcceptDetail {
  readonly flow: string;
  /** SHA-256 (hex) of the plan. */
  readonly plan: string;
  /** Absent: the project `default`, as in every commit from before there were projects. */
  readonly project?: string;
  readonly parent?: ParentLink;
  /** The commit of another message that this one goes on from, and the step it goes on with. */
  readonly fork?: { readonly from: string; readonly cursor: number };
  readonly labels?: Labels;
  readonly trace?: Trace;
}

type Members = { readonly [key: string]: Json };

/** Reads the detail of a first commit; COAX_STORE_CORRUPT when it is not one. */
export function acceptDetail(commit: Commit): AcceptDetail {
  const { detail } = commit;
  if (commit.outcome !== 'accepted' || !isMembers(detail)) throw corrupt(commit, 'is no first commit');
  const { flow, plan, project, parent, fork, labels = {}, trace = {} } = detail;
  if (typeof flow !== 'string' || typeof plan !== 'string') throw corrupt(commit, 'names no flow and plan');
  if (project !== undefined && (typeof project !== 'string' || project === DEFAULT_PROJECT)) {
    throw corrupt(commit, 'has a wrong project');
  }
  if (parent !== undefined && !hasIntegers(parent, ['msgid', 'step', 'branch', 'generation'])) {
    throw corrupt(commit, 'has a wrong link to its parent message');
  }
  if (fork !== undefined && !(hasIntegers(fork, ['cursor']) && typeof fork.from === 'string')) {
    throw corrupt(commit, 'has a wrong link to the commit it was forked from');
  }
  if (!hasTexts(labels) || !hasTexts(trace)) throw corrupt(commit, 'has labels or a trace that are none');
  return detail as unknown as AcceptDetail;
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function corrupt(commit: Commit, reason: string): CoaxError {
  return new CoaxError('COAX_STORE_CORRUPT', `commit ${commit.id.slice(0, 12)} ${reason}`, {
    where: `message ${commit.msgid}, seq ${commit.seq}`,
  });
}

const hasTexts = (value: Json): boolean =>
  isMembers(value) && Object.values(value).every(text => typeof text === 'string');

function hasIntegers(value: Json, names: readonly string[]): value is Members {
  return isMembers(value) && names.every(name => Number.isSafeInteger(value[name]));
}
