import { CoaxError } from '../errors/coax-error.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Cause, Message, Mode, Phase, Plan } from '../message/message.ts';
import type { Allocation, RawMessageRow } from './store.ts';

/** A row of `messages`, columns as they are. */
export interface MessageRow {
  msgid: number;
  flow: string;
  plan: string;
  mode: string;
  cursor: number;
  attempt: number;
  phase: string;
  cause: string | null;
  error: string | null;
  undo_error: string | null;
  rewind_to: number | null;
  floor: number;
  base: string;
  trail: string;
  generation: number | null;
  seq: number;
  head: string;
  address: string | null;
  ready_at: number;
  worker: string | null;
  lease_until: number | null;
  fence: number;
  begun: number;
  ask: string | null;
  parent_msgid: number | null;
  parent_step: number | null;
  parent_branch: number | null;
  parent_generation: number | null;
  /** Missing in archives from before there were projects. */
  project?: string | undefined;
  actor: string;
  created: number;
  updated: number;
}

export function toMessage(row: MessageRow, planOf: (hash: string) => Plan): Message {
  return {
    msgid: row.msgid,
    flow: row.flow,
    plan: planOf(row.plan),
    planHash: row.plan,
    mode: row.mode as Mode,
    cursor: row.cursor,
    attempt: row.attempt,
    phase: row.phase as Phase,
    cause: row.cause as Cause | null,
    error: parse(row, 'error'),
    undoError: parse(row, 'undo_error'),
    rewindTo: row.rewind_to,
    floor: row.floor,
    base: parse(row, 'base') ?? {},
    trail: row.trail === '[]' ? NO_TRAIL : (parse(row, 'trail') ?? NO_TRAIL),
    generation: row.generation,
    seq: row.seq,
    head: row.head,
    readyAt: row.ready_at,
    worker: row.worker,
    leaseUntil: row.lease_until,
    fence: row.fence,
    begun: row.begun,
    ask: parse(row, 'ask'),
    parent:
      row.parent_msgid === null
        ? null
        : {
            msgid: row.parent_msgid,
            step: row.parent_step ?? 0,
            branch: row.parent_branch ?? 0,
            generation: row.parent_generation ?? 0,
          },
    project: row.project ?? DEFAULT_PROJECT,
    actor: row.actor,
    created: row.created,
    updated: row.updated,
  };
}

const NO_TRAIL: Message['trail'] = [];

function parse<T>(row: MessageRow, column: 'error' | 'undo_error' | 'base' | 'trail' | 'ask'): T | null {
  const text = row[column];
  if (text === null) return null;
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new CoaxError('COAX_STORE_CORRUPT', `message ${row.msgid}: column ${column} is not JSON`, {
      cause,
    });
  }
}

export function toRawMessage(row: MessageRow): RawMessageRow {
  return {
    msgid: row.msgid,
    flow: row.flow,
    planHash: row.plan,
    mode: row.mode,
    cursor: row.cursor,
    attempt: row.attempt,
    phase: row.phase,
    cause: row.cause,
    error: row.error,
    undoError: row.undo_error,
    rewindTo: row.rewind_to,
    floor: row.floor,
    base: row.base,
    trail: row.trail,
    generation: row.generation,
    seq: row.seq,
    head: row.head,
    address: row.address,
    parentMsgid: row.parent_msgid,
    parentStep: row.parent_step,
    parentBranch: row.parent_branch,
    parentGeneration: row.parent_generation,
    project: row.project ?? DEFAULT_PROJECT,
    actor: row.actor,
    created: row.created,
  };
}

export interface AllocationRow {
  kind: string;
  key: string;
  msgid: number;
  detail: string;
  created: number;
}

export function toAllocation(row: AllocationRow): Allocation {
  try {
    return { ...row, detail: JSON.parse(row.detail) as Allocation['detail'] };
  } catch (cause) {
    throw new CoaxError('COAX_STORE_CORRUPT', `allocation ${row.kind} ${row.key}: detail is not JSON`, {
      cause,
    });
  }
}
