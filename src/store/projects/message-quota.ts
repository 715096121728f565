import { CoaxError } from '../../errors/coax-error.ts';

const MINUTE_MS = 60_000;

/** The minute of the clock, since 1970. */
export const minuteOf = (now: number): number => Math.floor(now / MINUTE_MS);

/** Of a project with such a limit: how many messages a minute, and how many were accepted in which minute. */
export interface MessageQuota {
  readonly per_minute: number;
  readonly minute: number;
  readonly messages: number;
}

/** How many more the project may have accepted in this minute. */
export function messagesLeft({ per_minute, minute, messages }: MessageQuota, now: number): number {
  return Number(per_minute) - (Number(minute) === minuteOf(now) ? Number(messages) : 0);
}

export function tooManyMessages(project: string, perMinute: number, now: number): CoaxError {
  const reason = `project ${project} may submit ${perMinute} in a minute, and has done so`;
  const retryAfterMs = MINUTE_MS - (now % MINUTE_MS);
  const detail = { project, quota: 'messages_per_minute', limit: perMinute };
  return new CoaxError('COAX_QUOTA_EXCEEDED', reason, { where: project, retryAfterMs, detail });
}
