import { CoaxError } from '../errors/coax-error.ts';
import { dataFrames, FRAME, type FrameLink, makeFrame, type OpenCall, readFrame } from './frames.ts';
import type { LineEvents, LineSource, SerialLine } from './serial-line.ts';

/** A host that does not answer for so long does not open the line. */
const ANSWER_MS = 10_000;
/** While more than this waits for the host, what people type is dropped. */
const SEND_BYTES_MAX = 1024 * 1024;

interface Open {
  readonly events: LineEvents;
  opened(): void;
}

/** The server's end of the connection of one host: the lines of its guests, as if they were here. */
export class ServerEnd implements LineSource {
  readonly #link: FrameLink;
  readonly #host: string;
  readonly #open = new Map<number, Open>();
  #last = 0;

  constructor(host: string, link: FrameLink) {
    this.#host = host;
    this.#link = link;
  }

  receive(bytes: Buffer): void {
    const frame = readFrame(bytes);
    const open = frame === null ? undefined : this.#open.get(frame.line);
    if (frame === null || open === undefined) return;
    const { kind, line, body } = frame;
    if (kind === FRAME.opened) open.opened();
    else if (kind === FRAME.data) open.events.onData(body);
    else if (kind === FRAME.close) {
      this.#open.delete(line);
      open.events.onEnd(body.toString());
    }
  }

  /** The connection is over, and with it every line. */
  close(reason: string): void {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const { events } of all) events.onEnd(reason);
  }

  async open(uuid: string, tailBytes: number, events: LineEvents): Promise<SerialLine> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let isOpen = false;
    const line = this.#call(
      FRAME.open,
      { uuid, bytes: tailBytes },
      {
        opened: () => {
          isOpen = true;
          resolve();
        },
        events: {
          onData: bytes => events.onData(bytes),
          onEnd: reason => (isOpen ? events.onEnd(reason) : reject(this.#refused(reason))),
        },
      },
    );
    await this.#within(line, promise);
    return {
      write: bytes => {
        if (!this.#open.has(line) || this.#link.buffered() > SEND_BYTES_MAX) return bytes.length;
        for (const frame of dataFrames(line, bytes)) this.#link.send(frame);
        return 0;
      },
      pause: () => this.#link.send(makeFrame(FRAME.pause, line)),
      resume: () => this.#link.send(makeFrame(FRAME.resume, line)),
      close: () => this.#drop(line),
    };
  }

  async tail(uuid: string, bytes: number): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const chunks: Buffer[] = [];
    const line = this.#call(
      FRAME.tail,
      { uuid, bytes },
      {
        opened: () => {},
        events: {
          onData: chunk => chunks.push(chunk),
          onEnd: reason =>
            reason === '' ? resolve(Buffer.concat(chunks).toString()) : reject(this.#refused(reason)),
        },
      },
    );
    return await this.#within(line, promise);
  }

  #call(kind: typeof FRAME.open | typeof FRAME.tail, call: OpenCall, open: Open): number {
    this.#last = (this.#last % 0xffff_ffff) + 1;
    this.#open.set(this.#last, open);
    this.#link.send(makeFrame(kind, this.#last, JSON.stringify(call)));
    return this.#last;
  }

  async #within<T>(line: number, answer: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#drop(line);
      late.reject(this.#refused(`it has not answered within ${ANSWER_MS / 1000} s`));
    }, ANSWER_MS);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #drop(line: number): void {
    if (this.#open.delete(line)) this.#link.send(makeFrame(FRAME.close, line));
  }

  #refused(reason: string): CoaxError {
    return new CoaxError('COAX_HYPERVISOR', `host ${this.#host}: ${reason}`, { where: this.#host });
  }
}
