import type { Json } from '../message/message.ts';

/** What a step's error may carry beside its reason. */
export interface StepErrorDetail {
  /** A code of your own (`DNS_ZONE_LOCKED`) that a flow's `retry.terminal` and people can tell apart. */
  readonly code?: string;
  readonly detail?: Json;
}

/** Thrown by a step: try again after a backoff, as often as the step's retry policy allows. */
export class Retryable extends Error {
  readonly code: string;
  readonly detail: Json | undefined;
  /** Not sooner than after so many milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** What a transactional action has written stays, as if it had succeeded; its undo takes it back. */
  readonly keep: boolean;

  constructor(
    reason: string,
    more: StepErrorDetail & { readonly retryAfterMs?: number; readonly keep?: boolean } = {},
  ) {
    super(reason);
    this.name = 'Retryable';
    this.code = more.code ?? 'COAX_STEP_FAILED';
    this.detail = more.detail;
    this.retryAfterMs = more.retryAfterMs;
    this.keep = more.keep ?? false;
  }
}

/** Thrown by a step: no for good. The message is rolled back (or, when undoing, parked for a person). */
export class Terminal extends Error {
  readonly code: string;
  readonly detail: Json | undefined;

  constructor(reason: string, more: StepErrorDetail = {}) {
    super(reason);
    this.name = 'Terminal';
    this.code = more.code ?? 'COAX_STEP_FAILED';
    this.detail = more.detail;
  }
}
