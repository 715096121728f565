import type { Kysely } from 'kysely';
import { CoaxError } from '../errors/coax-error.ts';
import { type Commit, decodeCommit } from '../ledger/commit.ts';
import { type Labels, NO_LABELS } from '../message/carried/labels.ts';
import type { Selector } from '../message/carried/selector.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Cause, Message, Mode, Phase, Plan } from '../message/message.ts';
import type { Allocation, RawMessageRow, Store } from './store.ts';

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
  /** JSON; null, or absent in old archives, when there are none. */
  labels?: string | null | undefined;
  trace?: string | null | undefined;
  created: number;
  updated: number;
}

/** The columns of `messages` in the order that `toRow` takes them in. */
export const ROW_COLUMNS = `msgid, flow, plan, mode, cursor, attempt, phase,
  cause, error, undo_error, rewind_to, floor, base, trail, generation, seq, head, address,
  ready_at, worker, lease_until, fence, begun, ask, parent_msgid, parent_step, parent_branch, parent_generation,
  project, actor, labels, trace, created, updated`;

/** A row that was read as an array, which is faster by far where many are read. */
export function toRow(v: readonly unknown[]): MessageRow {
  return {
    msgid: v[0] as number,
    flow: v[1] as string,
    plan: v[2] as string,
    mode: v[3] as string,
    cursor: v[4] as number,
    attempt: v[5] as number,
    phase: v[6] as string,
    cause: v[7] as string | null,
    error: v[8] as string | null,
    undo_error: v[9] as string | null,
    rewind_to: v[10] as number | null,
    floor: v[11] as number,
    base: v[12] as string,
    trail: v[13] as string,
    generation: v[14] as number | null,
    seq: v[15] as number,
    head: v[16] as string,
    address: v[17] as string | null,
    ready_at: v[18] as number,
    worker: v[19] as string | null,
    lease_until: v[20] as number | null,
    fence: v[21] as number,
    begun: v[22] as number,
    ask: v[23] as string | null,
    parent_msgid: v[24] as number | null,
    parent_step: v[25] as number | null,
    parent_branch: v[26] as number | null,
    parent_generation: v[27] as number | null,
    project: v[28] as string,
    actor: v[29] as string,
    labels: v[30] as string | null,
    trace: v[31] as string | null,
    created: v[32] as number,
    updated: v[33] as number,
  };
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
    labels: parse(row, 'labels') ?? NO_LABELS,
    trace: parse(row, 'trace'),
    created: row.created,
    updated: row.updated,
  };
}

const NO_TRAIL: Message['trail'] = [];

function parse<T>(
  row: MessageRow,
  column: 'error' | 'undo_error' | 'base' | 'trail' | 'ask' | 'labels' | 'trace',
): T | null {
  const text = row[column];
  if (text === null || text === undefined) return null;
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
    labels: row.labels ?? null,
    trace: row.trace ?? null,
    created: row.created,
  };
}

/**
 * Conditions on `messages` that a selector is in SQL, for both engines. A label that must be there is looked up by its index: a
 * rare one is found without a look at every message. `bind` gives what stands for a value in the statement.
 */
export function labelConditions(selector: Selector, bind: (value: string) => string): string[] {
  return selector.map(term => {
    const name = `name = ${bind(term.name)}`;
    const wanted = 'values' in term ? `${name} AND value IN (${term.values.map(bind).join(', ')})` : name;
    return term.op === 'in' || term.op === 'exists'
      ? `msgid IN (SELECT msgid FROM message_labels WHERE ${wanted})`
      : `NOT EXISTS (SELECT 1 FROM message_labels l WHERE l.msgid = messages.msgid AND ${wanted})`;
  });
}

const LABELS_CHUNK = 500;

/** The labels of messages that have some. */
export async function labelsOfMessages(
  reader: Store['reader'],
  msgids: readonly number[],
): Promise<ReadonlyMap<number, Labels>> {
  const found = new Map<number, Record<string, string>>();
  for (let from = 0; from < msgids.length; from += LABELS_CHUNK) {
    const rows = await (reader as Kysely<{ message_labels: { msgid: number; name: string; value: string } }>)
      .selectFrom('message_labels')
      .selectAll()
      .where('msgid', 'in', msgids.slice(from, from + LABELS_CHUNK))
      .execute();
    for (const { msgid, name, value } of rows) {
      const labels = found.get(msgid) ?? {};
      labels[name] = value;
      found.set(msgid, labels);
    }
  }
  return found;
}

/** Commits of all messages by their place in the store, the newest first, from before a place on. */
export async function commitsBefore(
  reader: Store['reader'],
  before: number,
  limit: number,
): Promise<{ readonly pos: number; readonly commit: Commit }[]> {
  const rows = await (reader as Kysely<{ commits: { pos: number; id: string; body: string } }>)
    .selectFrom('commits')
    .select(['pos', 'id', 'body'])
    .where('pos', '<', before)
    .orderBy('pos', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ pos, id, body }) => ({ pos: Number(pos), commit: decodeCommit(id, body) }));
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
