import type { RetryPolicy, StepError } from './message.ts';

export const RETRY_DEFAULT: RetryPolicy = {
  attempts: 3,
  backoffMs: 500,
  factor: 2,
  backoffMaxMs: 30_000,
  terminal: [],
};

export const TIMEOUT_DEFAULT_MS = 60_000;

/** May a step whose attempt number `attempt` (1 = first) failed so be tried again? */
export function mayRetry(policy: RetryPolicy, attempt: number, error: StepError): boolean {
  return attempt < policy.attempts && !policy.terminal.includes(error.code);
}

/**
 * How long to wait after attempt number `attempt` failed: exponential with full jitter (Brooker, "Exponential Backoff
 * And Jitter", 2015), never less than what the step asked for. `random` is in [0, 1). Milliseconds.
 */
export function backoffMs(policy: RetryPolicy, attempt: number, random: number, retryAfterMs = 0): number {
  const growth = Math.min(policy.factor ** (attempt - 1), Number.MAX_VALUE);
  const ceiling = Math.floor(Math.min(policy.backoffMaxMs, policy.backoffMs * growth));
  return Math.max(retryAfterMs, Math.floor(random * (ceiling + 1)));
}
