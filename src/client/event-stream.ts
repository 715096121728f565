import { setTimeout as sleep } from 'node:timers/promises';
import type { CommitEventView } from '../api/event.ts';
import { CoaxError, isCoaxError } from '../errors/coax-error.ts';
import { unreachable } from './servers/connections.ts';
import { readServerSentEvents } from './sse.ts';
import type { Transport } from './transport.ts';

/** `gap`: the server could not keep all the events that were missed; read the state anew. */
export type StreamEvent =
  | ({ readonly type: 'commit'; readonly id: string } & CommitEventView)
  | { readonly type: 'gap'; readonly id: string; readonly reason: string };

export interface EventsOptions {
  /** Only this message; its whole history comes first, unless `lastEventId` says what was seen. */
  readonly msgid?: number;
  /** Only what is of this project. */
  readonly project?: string | undefined;
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
  /** Gives up when no server answers for so long. */
  readonly giveUpMs?: number;
}

/** The server sends a comment every 15 s: three missed ones mean that the connection is dead. */
const SILENCE_MS = 45_000;

/** One connection's events; ends when the connection does. */
export async function* connectEvents(
  transport: Transport,
  options: EventsOptions,
): AsyncGenerator<StreamEvent> {
  const answer = await transport.send({
    method: 'GET',
    path: '/v1/events',
    query: { msgid: options.msgid, project: options.msgid === undefined ? options.project : undefined },
    headers: {
      accept: 'text/event-stream',
      ...(options.lastEventId !== undefined && { 'last-event-id': options.lastEventId }),
    },
    signal: options.signal,
    idleMs: SILENCE_MS,
  });
  try {
    for await (const { id, event, data } of readServerSentEvents(answer)) {
      if (event === 'commit') yield { type: 'commit', id, ...(JSON.parse(data) as CommitEventView) };
      else if (event === 'gap') yield { type: 'gap', id, ...(JSON.parse(data) as { reason: string }) };
      else if (event === 'end') return;
    }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    throw error instanceof CoaxError ? error : unreachable(transport.url, error as Error);
  } finally {
    answer.destroy();
  }
}

/** Another server, or this one, may be there in a moment; a proxy says so by a problem. */
export const mayCome = (error: unknown): boolean =>
  isCoaxError(error, 'COAX_SERVER_UNREACHABLE') || isCoaxError(error, 'COAX_NOT_READY');

/** Events over as many connections as it takes; each goes on where the one before ended. */
export async function* followEvents(
  transport: Transport,
  options: EventsOptions,
): AsyncGenerator<StreamEvent> {
  let lastEventId = options.lastEventId;
  const told = new Set<string>();
  let lostAt = Date.now();
  let delayMs = 100;
  while (true) {
    try {
      const from = lastEventId === undefined ? options : { ...options, lastEventId };
      for await (const event of connectEvents(transport, from)) {
        lastEventId = event.id;
        delayMs = 100;
        if (event.type === 'gap' || toldOnce(event, told)) yield event;
        lostAt = Date.now();
      }
      lostAt = Date.now();
    } catch (error) {
      if (options.signal?.aborted || !mayCome(error)) throw error;
      if (Date.now() - lostAt > (options.giveUpMs ?? 30_000)) throw error;
    }
    await pause(delayMs, options.signal);
    delayMs = Math.min(delayMs * 2, 2000);
  }
}

/** After a move to another server some events come twice: as many as may do so are remembered. */
const TOLD_MAX = 4096;

function toldOnce({ commits }: CommitEventView, told: Set<string>): boolean {
  const fresh = commits.filter(({ id }) => !told.has(id));
  for (const { id } of fresh) told.add(id);
  for (const oldest of told) {
    if (told.size <= TOLD_MAX) break;
    told.delete(oldest);
  }
  return fresh.length > 0;
}

/** Waits; rejects with the signal's reason when it aborts. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal && { signal });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}
