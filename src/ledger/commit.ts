import { hash } from 'node:crypto';
import { CoaxError } from '../errors/coax-error.ts';
import { canonical, canonicalString } from '../message/canonical.ts';
import type { Json, Mode, Parameters, StepError } from '../message/message.ts';
import type { CommitOutcome } from '../message/transitions.ts';

/**
 * One transition of one message. `mode`, `cursor` and `step` say where the message stood *before* it; `set` and `unset`
 * are what it changed in the parameters. Times are milliseconds since 1970.
 */
export interface CommitBody {
  /** id of the message's commit before this one; null for the first. */
  readonly parent: string | null;
  /** The message that it belongs to. */
  readonly msgid: number;
  /** 0 for the commit that accepted the message, then one more for each. */
  readonly seq: number;
  /** Doing or undoing, before the transition. */
  readonly mode: Mode;
  /** Index of the step, before the transition. */
  readonly cursor: number;
  /** `module action`, `all`, `each`; null when the transition is not a step's. */
  readonly step: string | null;
  /** 1 for the first attempt; 0 when the transition is not a step's. */
  readonly attempt: number;
  /** What happened. */
  readonly outcome: CommitOutcome;
  /** Parameters that it set. */
  readonly set?: Parameters;
  /** Parameters that it dropped. */
  readonly unset?: readonly string[];
  /** Why the step failed. */
  readonly error?: StepError;
  /** The tail of what the step wrote to its log. */
  readonly log?: string;
  /** More on this kind of transition: plan and flow when accepted, children of a split, why a host won, exit status. */
  readonly detail?: Json;
  /** Who did the step; null when nobody did. */
  readonly worker: string | null;
  /** SHA-256 (hex) of the code that ran. */
  readonly code: string | null;
  /** Who asked for it: a person's name or token, or `coax` for what follows from the plan. */
  readonly actor: string;
  /** When the step began. */
  readonly started: number;
  /** When it ended; for other transitions both are the moment of the decision. */
  readonly finished: number;
}

export interface Commit extends CommitBody {
  /** SHA-256 (hex) of the canonical JSON (RFC 8785) of all the other members. */
  readonly id: string;
}

/** Commits of one message from its first one on; what reads them needs no two at a time. */
export type Chain = Iterable<Commit> | AsyncIterable<Commit>;

/**
 * Canonical JSON of a commit. The same text as `canonical(body)`, made faster: the members' order is known. `setText`: the canonical
 * JSON of `body.set`, where that is known.
 */
export function encodeCommit(body: CommitBody, setText?: string): string {
  const { set, unset, error, log, detail } = body;
  const about = textsOf(body);
  let text = about.head + body.cursor;
  if (detail !== undefined) text += `,"detail":${canonical(detail)}`;
  if (error !== undefined) text += `,"error":${canonical(error)}`;
  text += `,"finished":${body.finished}`;
  if (log !== undefined) text += `,"log":${canonicalString(log)}`;
  text += `${about.mode}${body.msgid}${about.outcome}${
    body.parent === null ? 'null' : `"${body.parent}"`
  },"seq":${body.seq}`;
  if (set !== undefined) text += `,"set":${setText ?? canonical(set)}`;
  text += `,"started":${body.started}${about.step}`;
  if (unset !== undefined) text += `,"unset":${canonical(unset)}`;
  return text + about.worker;
}

/** What commits of the same step have in common as a rule, with the texts that it makes of theirs. */
interface About
  extends Pick<CommitBody, 'actor' | 'attempt' | 'code' | 'mode' | 'outcome' | 'step' | 'worker'> {
  readonly texts: Readonly<Record<'head' | 'mode' | 'outcome' | 'step' | 'worker', string>>;
}

const ABOUT_MAX = 1000;
/** The newest of each step, and of each actor where no step is told. */
const OF_STEPS = new Map<string, About>();
const OF_ACTORS = new Map<string, About>();

/** Most of a commit's text is that of the commit before it of the same step: so there is a third of the pieces to put together. */
function textsOf(body: CommitBody): About['texts'] {
  const known = body.step === null ? OF_ACTORS.get(body.actor) : OF_STEPS.get(body.step);
  if (
    known !== undefined &&
    known.actor === body.actor &&
    known.attempt === body.attempt &&
    known.code === body.code &&
    known.mode === body.mode &&
    known.outcome === body.outcome &&
    known.step === body.step &&
    known.worker === body.worker
  )
    return known.texts;
  const { actor, attempt, code, mode, outcome, step, worker } = body;
  const name = (text: string | null): string => (text === null ? 'null' : canonicalString(text));
  const texts = {
    head: flat(
      `{"actor":${name(actor)},"attempt":${attempt},"code":${code === null ? 'null' : `"${code}"`},"cursor":`,
    ),
    mode: flat(`,"mode":"${mode}","msgid":`),
    outcome: flat(`,"outcome":"${outcome}","parent":`),
    step: flat(`,"step":${name(step)}`),
    worker: flat(`,"worker":${name(worker)}}`),
  };
  const [all, key] = step === null ? [OF_ACTORS, actor] : [OF_STEPS, step];
  if (all.size >= ABOUT_MAX) all.clear();
  all.set(key, { actor, attempt, code, mode, outcome, step, worker, texts });
  return texts;
}

/** The same text in one piece: V8 keeps what was put together as a tree. */
const flat = (text: string): string => Buffer.from(text).toString();

/** The id of a commit, from its encoded text: 64 hex digits. */
export function commitId(encoded: string): string {
  return hash('sha256', encoded, 'hex');
}

/** Reads an encoded commit back; COAX_STORE_CORRUPT when it is not one. Does not verify the id. */
export function decodeCommit(id: string, encoded: string): Commit {
  let body: unknown;
  try {
    body = JSON.parse(encoded);
  } catch (cause) {
    throw new CoaxError('COAX_STORE_CORRUPT', `commit ${id} is not JSON`, { cause });
  }
  if (typeof body !== 'object' || body === null || !('outcome' in body) || !('msgid' in body)) {
    throw new CoaxError('COAX_STORE_CORRUPT', `commit ${id} lacks its members`);
  }
  return { ...(body as CommitBody), id };
}
