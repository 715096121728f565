import type { Labels } from './carried/labels.ts';
import type { Trace } from './carried/trace.ts';

/**
 * The words of Coax.
 *
 * - **message**: one request under way. It carries its own plan, so any worker can take it further.
 * - **plan**: the list of steps a message copied from its flow when it was accepted.
 * - **step**: one `module action` of the plan, or a group of branches.
 * - **cursor**: index of the step to do (mode `normal`) or to undo (mode `rollback`).
 * - **trail**: what each step that was done has set, oldest first; parameters are `base` folded with it.
 * - **outcome**: what doing or undoing a step came to.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A message's parameters: one flat JSON object; values may be any JSON. */
export type Parameters = { readonly [name: string]: Json };

export type Mode = 'normal' | 'rollback';

/**
 * Where a message stands, as kept in the store.
 * `open`: its step may be claimed. `waiting`: its children are under way. The other three are resting places.
 */
export type Phase = 'open' | 'waiting' | 'done' | 'rolled_back' | 'parked';

/** What people read: `open` told apart by lease and by time. */
export type Status = 'queued' | 'running' | 'waiting' | 'done' | 'rolled_back' | 'parked';

export const STATUSES: readonly Status[] = ['queued', 'running', 'waiting', 'done', 'rolled_back', 'parked'];

/** Why a message is (being) rolled back. */
export type Cause = 'failed' | 'cancelled' | 'deadline' | 'reverted';

/** How often and how soon a step is tried again. Lengths in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, the first one counted; at least 1. */
  readonly attempts: number;
  /** The longest wait before the second attempt; it grows by `factor` for each later one. */
  readonly backoffMs: number;
  /** Growth of the wait from one attempt to the next. */
  readonly factor: number;
  /** The wait grows no longer than this. */
  readonly backoffMaxMs: number;
  /** Error codes that are never tried again, whatever the step says. */
  readonly terminal: readonly string[];
}

export interface ActionStep {
  /** Name of the module. */
  readonly module: string;
  /** Name of the action within it. */
  readonly action: string;
  /** Name of the parameter that holds the host whose workers must do this step. */
  readonly at?: string;
  /** For one attempt. */
  readonly timeoutMs: number;
  /** How often and how soon it is tried again. */
  readonly retry: RetryPolicy;
  /** SHA-256 (hex) of the action's code when the message was accepted; absent if no worker here knows the action. */
  readonly code?: string;
}

export interface Branch {
  /** With a name, what the branch has set arrives in the parent as one object under that name. */
  readonly name?: string;
  /** Done one after the other, as in a plan. */
  readonly steps: readonly Step[];
}

/** What a group may say of branches that fail. */
export interface Tolerant {
  /**
   * How many branches may fail without the group failing: a number, a share of them such as `5%` (rounded down), or the name
   * of the parameter that holds one of these; 0 if absent.
   */
  readonly tolerate?: number | string;
  /** With a name, the parent gets the list of the branches that failed, each with its reason; empty if none did. */
  readonly failed?: string;
}

/** Branches side by side; each becomes a child message. */
export interface AllStep extends Tolerant {
  readonly all: readonly Branch[];
}

/** The same branch for each item of a list parameter. */
export interface EachStep extends Tolerant {
  /** Name of the parameter that holds the list. */
  readonly each: string;
  /** Name under which a child finds its item. */
  readonly as: string;
  /** Children under way at one time. */
  readonly limit: number;
  /** With a name, the parent gets the list of what each child has set, in the order of the items; null where one failed. */
  readonly collect?: string;
  /** The steps of each branch. */
  readonly steps: readonly Step[];
}

export type GroupStep = AllStep | EachStep;
export type Step = ActionStep | GroupStep;

export interface Plan {
  readonly steps: readonly Step[];
}

export function isGroup(step: Step): step is GroupStep {
  return 'all' in step || 'each' in step;
}

/** An error that survives serialisation. `log` is the tail of what the step wrote. */
export interface StepError {
  readonly code: string;
  readonly reason: string;
  readonly detail?: Json;
  readonly log?: string;
  /** The step never began, so there is nothing to undo. Absent when it may have begun. */
  readonly begun?: false;
}

/** One entry of the trail: what a step set, or what a person changed. */
export type TrailEntry = StepEntry | EditEntry;
/** `generation` is kept for a group, whose children must be found again when it is undone. */
export interface StepEntry {
  readonly step: number;
  readonly set: Parameters;
  readonly generation?: number;
  /** For a group of which branches failed and were tolerated. */
  readonly partly?: Partly;
}
/** How a group was done although branches failed. */
export interface Partly {
  /** Branches that failed and were rolled back. */
  readonly failed: number;
  /** Branches in all. */
  readonly of: number;
  /** How many might have failed. */
  readonly tolerated: number;
}
export interface EditEntry {
  readonly edit: Parameters;
  /**
   * For a rewind's edit: the first step that has seen it, which is the number of steps while none has. Steps before were
   * done without it, so they are undone without it. Absent for an edit that is meant for an undo.
   */
  readonly from?: number;
}

/** Where a child message belongs. `generation` is the seq of the parent's commit that made it. */
export interface ParentLink {
  readonly msgid: number;
  readonly step: number;
  readonly branch: number;
  readonly generation: number;
}

/** All that the state machine needs to know of a message; `advance` maps one to the next. */
export interface MessageState {
  /** Doing steps, or undoing them. */
  readonly mode: Mode;
  /** Index of the step to do or undo; `steps.length` = done, -1 = rolled back. */
  readonly cursor: number;
  /** Attempts of the step at the cursor that have failed so far. */
  readonly attempt: number;
  /** Whether its step may be claimed, it waits for branches, or it rests. */
  readonly phase: Phase;
  /** Why it is (being) rolled back; null on the way forward. */
  readonly cause: Cause | null;
  /** The error that turned the mode to rollback. */
  readonly error: StepError | null;
  /** The error of the undo that parked the message. */
  readonly undoError: StepError | null;
  /** A rewind's target: the walk back stops before this step and goes forward again from it. */
  readonly rewindTo: number | null;
  /**
   * The lowest step that belongs to this message: the walk back ends above it. 0, but for a fork: the steps before were
   * done by the message it was made from.
   */
  readonly floor: number;
  /** The parameters that it was accepted with. */
  readonly base: Parameters;
  /** What each step that was done has set, and what people changed, oldest first. */
  readonly trail: readonly TrailEntry[];
  /** seq of the commit that made the children of the group at the cursor; null if there are none. */
  readonly generation: number | null;
}

/** A decision that must wait for the running step to end, so that do and undo never run at the same time. */
export type Ask =
  | { readonly kind: 'cancel'; readonly actor: string; readonly reason: string }
  | {
      readonly kind: 'rewind';
      readonly to: number;
      readonly edit: Parameters;
      readonly actor: string;
      readonly reason: string;
    };

/** A message as the store holds it. Times are milliseconds since 1970. */
export interface Message extends MessageState {
  /** Given by the store; grows. */
  readonly msgid: number;
  /** Name of its flow, or the name that came with its plan; a branch adds `/NAME`. */
  readonly flow: string;
  /** Copied when it was accepted; never changes. */
  readonly plan: Plan;
  /** SHA-256 (hex) of the plan's canonical JSON. */
  readonly planHash: string;
  /** seq of the newest commit; the first commit has seq 0. */
  readonly seq: number;
  /** id (hex) of the newest commit. */
  readonly head: string;
  /** Not claimable before this instant. */
  readonly readyAt: number;
  /** Worker that holds the lease; null if none does. */
  readonly worker: string | null;
  /** Until when the worker has it. */
  readonly leaseUntil: number | null;
  /** Grows with every claim; a late writer has an old one. */
  readonly fence: number;
  /** Claims that may have begun the step at the cursor: above 0, a walk back must undo it. */
  readonly begun: number;
  /** What a person asked for while a worker held the message; obeyed as soon as the step has ended. */
  readonly ask: Ask | null;
  /** For a branch of a group: where it belongs. */
  readonly parent: ParentLink | null;
  /** Whose it is: what a person may do with it goes by this. A branch has its parent's. */
  readonly project: string;
  /** Who submitted it. */
  readonly actor: string;
  /** What people find it by; fixed when it was accepted. */
  readonly labels: Labels;
  /** The trace that its steps belong to; null when it came with none. */
  readonly trace: Trace | null;
  readonly created: number;
  readonly updated: number;
}
