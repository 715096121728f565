import { awaitsApproval } from './group/approval.ts';
import type { Message, Status } from './message.ts';

/** What people read, and what a waiting message waits for. */
export interface StatusView {
  readonly status: Status;
  readonly waitingFor: string | null;
}

/** What a message waits for that a person must approve. */
const WAITS_FOR_PERSON = 'a person';

/** `open` told apart: running while a lease holds, waiting while a backoff lasts, else queued. */
export function statusOf(message: Message, now: number): StatusView {
  switch (message.phase) {
    case 'open':
      if (message.leaseUntil !== null && message.leaseUntil > now)
        return { status: 'running', waitingFor: null };
      if (awaitsApproval(message)) return { status: 'waiting', waitingFor: WAITS_FOR_PERSON };
      if (message.readyAt > now) return { status: 'waiting', waitingFor: `attempt ${message.attempt + 1}` };
      return { status: 'queued', waitingFor: null };
    case 'waiting':
      return { status: 'waiting', waitingFor: 'its branches' };
    default:
      return { status: message.phase, waitingFor: null };
  }
}

export function isResting(phase: Message['phase']): boolean {
  return phase === 'done' || phase === 'rolled_back' || phase === 'parked';
}
