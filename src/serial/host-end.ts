import { textOf } from '../errors/coax-error.ts';
import { dataFrames, FRAME, type FrameLink, makeFrame, type OpenCall, readFrame } from './frames.ts';
import type { LineSource, SerialLine } from './serial-line.ts';

/** While more than this waits to be sent, guests' lines are not read. */
const SEND_BYTES_MAX = 1024 * 1024;
const LOOK_MS = 20;
const LINES_MAX = 1000;

/** The host's end of the connection that carries serial lines: it opens what the server asks for. */
export class HostEnd {
  readonly #link: FrameLink;
  readonly #source: LineSource;
  /** Null while it is being opened. */
  readonly #lines = new Map<number, SerialLine | null>();
  /** Lines that the server does not want to hear now. */
  readonly #held = new Set<number>();
  #timer: NodeJS.Timeout | null = null;

  constructor(link: FrameLink, source: LineSource) {
    this.#link = link;
    this.#source = source;
  }

  receive(bytes: Buffer): void {
    const frame = readFrame(bytes);
    if (frame === null) return;
    const { kind, line, body } = frame;
    if (kind === FRAME.open) void this.#open(line, JSON.parse(body.toString()) as OpenCall);
    else if (kind === FRAME.tail) void this.#tail(line, JSON.parse(body.toString()) as OpenCall);
    else if (kind === FRAME.data) this.#lines.get(line)?.write(body);
    else if (kind === FRAME.pause) this.#hold(line);
    else if (kind === FRAME.resume) this.#letGo(line);
    else if (kind === FRAME.close) {
      this.#held.delete(line);
      this.#lines.get(line)?.close();
      this.#lines.delete(line);
    }
  }

  /** The connection is over: every line is let go. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const line of this.#lines.values()) line?.close();
    this.#lines.clear();
  }

  async #open(line: number, { uuid, bytes }: OpenCall): Promise<void> {
    if (this.#lines.size >= LINES_MAX) return this.#end(line, `${LINES_MAX} serial lines are open`);
    this.#lines.set(line, null);
    try {
      // What it showed last goes first, so that it is there when the line is.
      const opened = await this.#source.open(uuid, bytes, {
        onData: chunk => this.#send(line, chunk),
        onEnd: reason => this.#end(line, reason),
      });
      // It was given up meanwhile, or has ended already.
      if (!this.#lines.has(line)) return opened.close();
      this.#lines.set(line, opened);
      this.#link.send(makeFrame(FRAME.opened, line));
    } catch (error) {
      this.#end(line, textOf(error));
    }
  }

  async #tail(line: number, { uuid, bytes }: OpenCall): Promise<void> {
    try {
      const text = await this.#source.tail(uuid, bytes);
      for (const frame of dataFrames(line, Buffer.from(text))) this.#link.send(frame);
      this.#link.send(makeFrame(FRAME.close, line));
    } catch (error) {
      this.#link.send(makeFrame(FRAME.close, line, textOf(error)));
    }
  }

  #send(line: number, chunk: Buffer): void {
    for (const frame of dataFrames(line, chunk)) this.#link.send(frame);
    if (this.#timer !== null || this.#link.buffered() <= SEND_BYTES_MAX) return;
    for (const open of this.#lines.values()) open?.pause();
    this.#timer = setInterval(() => {
      if (this.#link.buffered() > SEND_BYTES_MAX / 2) return;
      clearInterval(this.#timer!);
      this.#timer = null;
      for (const [number, open] of this.#lines) if (!this.#held.has(number)) open?.resume();
    }, LOOK_MS);
  }

  #hold(line: number): void {
    this.#held.add(line);
    this.#lines.get(line)?.pause();
  }

  #letGo(line: number): void {
    this.#held.delete(line);
    if (this.#timer === null) this.#lines.get(line)?.resume();
  }

  #end(line: number, reason: string): void {
    this.#held.delete(line);
    this.#lines.delete(line);
    this.#link.send(makeFrame(FRAME.close, line, reason));
  }
}
