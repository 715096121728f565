import type { Commit } from '../ledger/commit.ts';
import { replayCommit } from '../ledger/replay.ts';
import { traceHeaders } from '../message/carried/trace.ts';
import type { Message, MessageState } from '../message/message.ts';
import { isResting } from '../message/status.ts';
import { stepLabel } from '../message/step-label.ts';
import { chainOf } from '../store/chain.ts';
import type { Store } from '../store/store.ts';

/** What a webhook can be told of a message. `failed`: it turned back; the other four are states. */
const EVENT_KINDS = ['accepted', 'failed', 'done', 'rolled_back', 'parked'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** A CloudEvent 1.0, in its JSON format. */
export interface CloudEvent {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  /** The trace that the message belongs to, when it came with one (the extension Distributed Tracing). */
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly data: object;
}

/** Outcomes after which a message may rest, or has turned back. */
const TELLING = new Set(['accepted', 'ok', 'failed', 'parked', 'cancel', 'revert', 'resolve']);

/** What a commit tells of; most tell nothing. Branches of groups tell nothing: their parent does. */
export async function eventsOf(
  store: Store,
  commit: Commit,
): Promise<readonly { readonly kind: EventKind; readonly message: Message; readonly state: MessageState }[]> {
  if (!TELLING.has(commit.outcome)) return [];
  const message = await store.message(commit.msgid);
  if (message === null || message.parent !== null) return [];
  if (commit.outcome === 'accepted') return [{ kind: 'accepted', message, state: message }];
  // A step that was done is seldom the last: then only the one after it could tell.
  if (commit.outcome === 'ok' && commit.mode === 'normal' && commit.cursor < message.plan.steps.length - 1)
    return [];
  const state = commit.seq === message.seq ? message : await stateAfter(store, message, commit.seq);
  const kinds: EventKind[] = [];
  if (commit.outcome === 'failed') kinds.push('failed');
  if (isResting(state.phase)) kinds.push(state.phase as EventKind);
  return kinds.map(kind => ({ kind, message, state }));
}

async function stateAfter(store: Store, { msgid, plan }: Message, seq: number): Promise<MessageState> {
  let state: MessageState | null = null;
  for await (const commit of chainOf(store, msgid, seq)) state = replayCommit(state, plan, commit);
  return state!;
}

/** The event as it is sent. No parameters are in it: who may see them asks for them. */
export function cloudEventOf(
  kind: EventKind,
  message: Message,
  state: MessageState,
  commit: Commit,
): CloudEvent {
  const step = message.plan.steps[state.cursor];
  const error = kind === 'parked' ? state.undoError : (state.error ?? commit.error ?? null);
  return {
    specversion: '1.0',
    id: `${commit.id.slice(0, 32)}-${kind}`,
    source: '/coax',
    type: `coax.message.${kind}`,
    subject: `messages/${message.msgid}`,
    time: new Date(commit.finished).toISOString(),
    datacontenttype: 'application/json',
    ...traceHeaders(message.trace),
    data: {
      msgid: message.msgid,
      flow: message.flow,
      project: message.project,
      status: isResting(state.phase) ? state.phase : 'under way',
      mode: state.mode,
      cursor: state.cursor,
      step: step === undefined ? null : stepLabel(step),
      cause: state.cause,
      error: error && { code: error.code, reason: error.reason },
      actor: message.actor,
      commit: { id: commit.id, seq: commit.seq, outcome: commit.outcome, actor: commit.actor },
    },
  };
}
