import type { CommitPage } from '../api/commit.ts';
import type { MessageView } from '../api/message.ts';
import { CoaxError } from '../errors/coax-error.ts';
import { connectEvents, mayCome, pause, type StreamEvent } from './event-stream.ts';
import { liteOf } from './message-lite.ts';
import type { Transport } from './transport.ts';

export interface WaitOptions {
  /** COAX_WAIT_TIMEOUT after so long; absent = for ever. The message goes on. */
  readonly timeoutMs?: number;
  /** Called for each event: the whole history first, then what happens. */
  readonly onEvent?: (event: StreamEvent) => void;
  readonly signal?: AbortSignal;
  /** COAX_SERVER_UNREACHABLE when no server answers for so long. */
  readonly giveUpMs?: number;
}

const POLL_SECONDS = 20;
const RESTING: ReadonlySet<string> = new Set(['done', 'rolled_back', 'parked']);

/** Did the message come to rest: done, rolled back or parked? */
export const isRestingStatus = (status: MessageView['status']): boolean => RESTING.has(status);

/**
 * Waits until a message rests, and gives it as it is then. Follows the event stream; where that does not come through
 * (a proxy that buffers), by requests that the server holds. Survives restarts of the server.
 */
export async function waitFor(
  transport: Transport,
  msgid: number,
  options: WaitOptions,
): Promise<MessageView> {
  const deadline = options.timeoutMs === undefined ? null : AbortSignal.timeout(options.timeoutMs);
  const signals = [deadline, options.signal].filter(signal => signal !== null && signal !== undefined);
  const signal = signals.length > 0 ? AbortSignal.any(signals) : undefined;
  try {
    return await wait(transport, msgid, options, signal);
  } catch (error) {
    if (deadline?.aborted && !options.signal?.aborted) {
      const seconds = Math.round((options.timeoutMs ?? 0) / 100) / 10;
      throw new CoaxError(
        'COAX_WAIT_TIMEOUT',
        `message ${msgid} had not ended after ${seconds} s; it goes on`,
        {
          hint: `\`coax wait ${msgid}\` waits again.`,
        },
      );
    }
    throw error;
  }
}

async function wait(
  transport: Transport,
  msgid: number,
  options: WaitOptions,
  signal: AbortSignal | undefined,
): Promise<MessageView> {
  const stop = signal && { signal };
  let seen = -1;
  let streamFailures = 0;
  let lostAt = Date.now();
  const read = (seconds: number) =>
    transport.json<MessageView>({
      method: 'GET',
      path: `/v1/messages/${msgid}`,
      query: { wait: seconds > 0 ? seconds : undefined },
      ...stop,
    });
  while (true) {
    try {
      const from = seen < 0 ? {} : { lastEventId: String(seen) };
      for await (const event of connectEvents(transport, { msgid, ...from, ...stop })) {
        if (event.type === 'commit') seen = event.commits.at(-1)?.seq ?? seen;
        streamFailures = 0;
        options.onEvent?.(event);
        if (event.type === 'commit' && hasEnded(event)) break;
      }
    } catch (error) {
      if (!mayCome(error)) throw error;
      streamFailures++;
    }
    try {
      const message = await read(streamFailures > 2 ? POLL_SECONDS : 0);
      if (isRestingStatus(message.status)) {
        if (options.onEvent && seen < message.seq)
          await tellRest(transport, message, seen, options.onEvent, stop);
        return message;
      }
      lostAt = Date.now();
    } catch (error) {
      if (!mayCome(error)) throw error;
      if (Date.now() - lostAt > (options.giveUpMs ?? 30_000)) throw error;
    }
    await pause(Math.min(100 * 2 ** streamFailures, 2000), signal);
  }
}

/** The history carries the message as it is now: only with its newest commit is the story told. */
function hasEnded(event: Extract<StreamEvent, { type: 'commit' }>): boolean {
  return (
    isRestingStatus(event.message.status) && (event.commits.at(-1)?.seq ?? Infinity) >= event.message.seq
  );
}

/** Tells what the stream could not: the message came to rest while it was broken. */
async function tellRest(
  transport: Transport,
  message: MessageView,
  seen: number,
  onEvent: (event: StreamEvent) => void,
  stop: { signal: AbortSignal } | undefined,
): Promise<void> {
  let cursor: string | undefined;
  do {
    const page: CommitPage = await transport.json({
      method: 'GET',
      path: `/v1/messages/${message.msgid}/commits`,
      query: { order: 'oldest', limit: 1000, cursor },
      ...stop,
    });
    const commits = page.items.filter(({ seq }) => seq > seen);
    if (commits.length > 0) {
      onEvent({ type: 'commit', id: String(commits.at(-1)!.seq), message: liteOf(message), commits });
    }
    cursor = page.next;
  } while (cursor !== undefined);
}
