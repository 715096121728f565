import type { CommitView } from '../../api/commit.ts';
import type { MessageView } from '../../api/message.ts';
import type { Client, StreamEvent } from '../../client/client.ts';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Output } from '../output/output.ts';
import { plain, truncateStyled } from '../output/text.ts';
import { commitLine } from './commit-line.ts';
import { frame } from './frame.ts';
import { exitStatusOf, outcomeLine } from './outcome.ts';
import { Screen } from './screen.ts';
import { liveView } from './view.ts';

export interface FollowOptions {
  readonly timeoutMs?: number;
  /** What was decided about it just now: the lines and the time that is told begin there. */
  readonly decided?: Pick<MessageView, 'seq' | 'updated'>;
}

/** 10 pictures a second: smooth, and next to no work. */
const FRAME_MS = 100;
const INTERRUPTED = 130;
/** Nothing has happened for so long: is there anybody who could do the step? Asked again and again, told once for each step. */
const STILL_MS = 3000;

/**
 * Follows a message until it rests and returns the exit status: on a terminal as a picture drawn again in place, elsewhere as
 * dated lines. Ctrl-C leaves the view; the message goes on.
 */
export async function follow(
  client: Client,
  msgid: number,
  out: Output,
  options: FollowOptions = {},
): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = () => interrupt.abort();
  process.once('SIGINT', onInterrupt).once('SIGTERM', onInterrupt);
  const showing = out.quiet ? null : await makeView(client, msgid, out, options.decided?.seq);
  try {
    const message = await client.waitFor(msgid, {
      signal: interrupt.signal,
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
      ...(showing && { onEvent: showing.onEvent }),
    });
    await showing?.end(message);
    await printOutcome(message, out, options.decided?.updated);
    return exitStatusOf(message);
  } catch (error) {
    await showing?.end(null);
    if (interrupt.signal.aborted) {
      out.stderr.write(`interrupted: message ${msgid} goes on; coax wait ${msgid}\n`);
      return INTERRUPTED;
    }
    if (error instanceof CoaxError && error.code === 'COAX_WAIT_TIMEOUT') {
      await printOutcome(await client.message(msgid), out);
      return error.exitStatus;
    }
    throw error;
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onInterrupt);
  }
}

async function printOutcome(message: MessageView, out: Output, since?: string): Promise<void> {
  const line = outcomeLine(message, since);
  await out.object(message, String(message.msgid), () => out.line(line));
  if (!out.forPeople) out.hint(line);
}

interface View {
  onEvent(event: StreamEvent): void;
  end(message: MessageView | null): Promise<void>;
}

async function makeView(client: Client, msgid: number, out: Output, from?: number): Promise<View> {
  const terminal = out.stderr as NodeJS.WriteStream;
  return terminal.isTTY
    ? new Picture(client, await client.message(msgid), out, terminal)
    : lines(client, msgid, out, from);
}

/** Dated lines, one a transition, from that commit on. */
function lines(client: Client, msgid: number, out: Output, from = 0): View {
  const stuck = new Stuck(client, msgid, reason => out.hint(out.errorStyle('yellow', plain(reason))));
  return {
    onEvent(event) {
      if (event.type !== 'commit') return;
      stuck.moved();
      for (const commit of event.commits)
        if (commit.seq >= from) out.hint(commitLine(commit, out.errorStyle));
    },
    async end() {
      stuck.close();
    },
  };
}

/** Tells when nobody who lives can do the step at which a message stands. */
class Stuck {
  readonly #ask: () => Promise<void>;
  #timer: NodeJS.Timeout;
  #told = false;

  constructor(client: Client, msgid: number, tell: (reason: string) => void) {
    this.#ask = async () => {
      if (this.#told) return;
      const { waiting, reason } = await client.why(msgid);
      if (waiting?.served !== false || this.#told) return;
      this.#told = true;
      tell(reason);
    };
    this.#timer = this.#later();
  }

  moved(): void {
    this.#told = false;
    clearInterval(this.#timer);
    this.#timer = this.#later();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #later(): NodeJS.Timeout {
    // The wait beside this reports a server that stays away.
    return setInterval(() => void this.#ask().catch(() => {}), STILL_MS).unref();
  }
}

/** The picture: the message is read anew after each event, and drawn again as time goes by. */
class Picture implements View {
  private readonly client: Client;
  private readonly out: Output;
  private readonly screen: Screen;
  private readonly timer: NodeJS.Timeout;
  private readonly commits: CommitView[] = [];
  private readonly stuck: Stuck;
  private reason = '';
  private message: MessageView;
  private reading = false;
  private stale = false;

  constructor(client: Client, message: MessageView, out: Output, terminal: NodeJS.WriteStream) {
    this.client = client;
    this.message = message;
    this.out = out;
    this.screen = new Screen(terminal);
    this.stuck = new Stuck(client, message.msgid, reason => {
      this.reason = reason;
    });
    this.timer = setInterval(() => this.tick(), FRAME_MS);
    this.draw();
  }

  onEvent = (event: StreamEvent): void => {
    if (event.type === 'commit') {
      this.commits.push(...event.commits);
      this.reason = '';
      this.stuck.moved();
    }
    this.stale = true;
  };

  private tick(): void {
    this.draw();
    // A claim is no transition: the worker's name shows only by asking.
    if (!this.reading && (this.stale || this.message.status === 'queued')) void this.read();
  }

  private async read(): Promise<void> {
    this.reading = true;
    this.stale = false;
    try {
      this.message = await this.client.message(this.message.msgid);
    } catch {
      // The wait beside this reports a server that stays away.
    } finally {
      this.reading = false;
    }
  }

  private draw(): void {
    const { out, screen, reason } = this;
    const lines = frame(liveView(this.message, this.commits), Date.now(), screen.size, out.errorStyle);
    const why = reason && truncateStyled(out.errorStyle('yellow', plain(reason)), screen.size.columns);
    screen.draw(why ? [...lines.slice(0, -1), why, ...lines.slice(-1)] : lines);
  }

  async end(message: MessageView | null): Promise<void> {
    clearInterval(this.timer);
    this.stuck.close();
    this.reason = '';
    if (message) {
      this.message = message;
      this.draw();
    }
    this.screen.close();
  }
}
