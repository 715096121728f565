import type { Trace } from '../message/carried/trace.ts';
import type { Json, Mode, Parameters } from '../message/message.ts';
import type { StepOutcome } from '../message/outcome.ts';
import type { Tx } from '../store/tx.ts';

/** One call of an action: everything a step may know. */
export interface StepCall {
  readonly msgid: number;
  /** Index of the step in the plan. */
  readonly step: number;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** Idempotency key `msgid.step`, the same for every attempt and for the undo; hand it on to what you call. */
  readonly key: string;
  /**
   * Fencing number: grows each time the message is given to a worker, so the larger is the later. What a step calls can
   * refuse a smaller one than it has seen for this key, and so a step that outlived its lease.
   */
  readonly fence: number;
  readonly mode: Mode;
  readonly parameters: Parameters;
  /** When undoing: what the step had set; empty if it never finished. */
  readonly output: Parameters;
  /** The host of the step's address, when it has one. */
  readonly host: string | null;
  readonly worker: string;
  readonly timeoutMs: number;
  /** The trace context to hand on to what the step calls; null when the message carries none. */
  readonly trace?: Trace | null;
  /** Aborts at the timeout, at a cancel and when the lease is lost. */
  readonly signal: AbortSignal;
  /** Present in transactional actions only. */
  readonly tx?: Tx;
  /** A line for the step's log, kept (its tail) with the commit. */
  log(line: string): void;
  /** Facts to keep with the commit (why this host, exit status): the last call wins. */
  detail(value: Json): void;
}

export type ActionKind = 'function' | 'transactional' | 'executable';

/** An action as the catalogue hands it to the worker. Its functions never throw: they return an outcome. */
export interface Action {
  readonly module: string;
  readonly name: string;
  readonly kind: ActionKind;
  /** SHA-256 (hex) of its code. */
  readonly code: string;
  /** False when the action has no undo. */
  readonly undoable: boolean;
  readonly about: string;
  /** JSON Schemas of the input it reads from the parameters and of the output it sets; null if not declared. */
  readonly input: object | null;
  readonly output: object | null;
  /** File it came from, or null when built in. */
  readonly file: string | null;
  /** An outcome that is known at once comes as it is: most of what a function that waits for nothing costs would be promises. */
  run(call: StepCall): StepOutcome | Promise<StepOutcome>;
  /**
   * Does many calls of a transactional action in their one transaction, beside other such transactions. Null: nothing was
   * written for that call, and `run` is to do it. Throws when nothing may be kept, and `run` is to do each.
   */
  together?(calls: readonly StepCall[]): Promise<readonly (StepOutcome | null)[]>;
}

/** Finds actions by name; follows changes on disk. */
export interface Catalogue {
  /** The action as it is now, or null. */
  find(module: string, action: string): Action | null;
  /** Every action, sorted by module and name. */
  list(): readonly Action[];
  /** Every module, sorted. */
  modules(): readonly string[];
}
