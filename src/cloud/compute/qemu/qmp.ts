import { createConnection, type Socket } from 'node:net';
import { CoaxError } from '../../../errors/coax-error.ts';

/** A line of the monitor's that no command asked for, such as SHUTDOWN or RESET. */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface QmpOptions {
  /** Limit of the connection and of each command; a QEMU stopped by SIGSTOP never answers. */
  readonly timeoutMs?: number;
  readonly onEvent?: (event: QmpEvent) => void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const TIMEOUT_MS = 5000;

/**
 * A connection to a QEMU monitor (QEMU Machine Protocol, docs/interop/qmp-spec.txt of QEMU). A monitor greets one client
 * at a time, so hold it no longer than an operation needs. Errors: COAX_HYPERVISOR; its `detail` has QEMU's `class`.
 */
export class Qmp {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #onEvent: (event: QmpEvent) => void;
  readonly #waiting = new Map<number, Waiting>();
  #unfinished = '';
  #lastId = 0;
  #greeted: (() => void) | null = null;
  #ended: CoaxError | null = null;

  /** Connects, waits for the greeting and negotiates the capabilities. */
  static async open(path: string, options: QmpOptions = {}): Promise<Qmp> {
    const qmp = new Qmp(path, options);
    try {
      await qmp.#greeting(path);
      await qmp.execute('qmp_capabilities');
      return qmp;
    } catch (error) {
      qmp.close();
      throw error;
    }
  }

  private constructor(path: string, options: QmpOptions) {
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#onEvent = options.onEvent ?? (() => {});
    this.#socket = createConnection(path);
    this.#socket.on('error', error =>
      this.#end(`the monitor ${path} is not to be reached: ${error.message}`),
    );
    this.#socket.on('close', () => this.#end('QEMU closed its monitor'));
    this.#socket.setEncoding('utf8').on('data', (piece: string) => this.#read(piece));
  }

  /** Sends a command and gives its `return`. */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(failed(`QEMU did not answer \`${command}\` within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket.write(
        `${JSON.stringify({ execute: command, ...(args ? { arguments: args } : {}), id })}\n`,
      );
    });
  }

  close(): void {
    this.#end('the connection was closed');
    this.#socket.destroy();
  }

  #greeting(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          reject(
            failed(
              `QEMU did not greet within ${this.#timeoutMs} ms on ${path}: hung, or another client holds it`,
            ),
          ),
        this.#timeoutMs,
      );
      this.#greeted = resolve;
      this.#waiting.set(0, { resolve: () => {}, reject, timer });
    });
  }

  #read(piece: string): void {
    const lines = (this.#unfinished + piece).split('\n');
    this.#unfinished = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    const said = parse(line);
    if (!said) return;
    if ('QMP' in said) {
      clearTimeout(this.#waiting.get(0)?.timer);
      this.#waiting.delete(0);
      this.#greeted?.();
    } else if (typeof said.event === 'string') {
      this.#onEvent(said as unknown as QmpEvent);
    } else {
      const waiting = this.#waiting.get(said.id as number);
      if (!waiting) return; // an answer that came after its limit
      clearTimeout(waiting.timer);
      this.#waiting.delete(said.id as number);
      const error = said.error as { class?: string; desc?: string } | undefined;
      if (error)
        waiting.reject(failed(`QEMU refused: ${error.desc ?? 'no reason given'}`, { class: error.class }));
      else waiting.resolve(said.return);
    }
  }

  #end(reason: string): void {
    this.#ended ??= failed(reason);
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#ended);
    }
    this.#waiting.clear();
  }
}

/** Opens, uses and closes a monitor. */
export async function withQmp<T>(
  path: string,
  use: (qmp: Qmp) => Promise<T>,
  options: QmpOptions = {},
): Promise<T> {
  const qmp = await Qmp.open(path, options);
  try {
    return await use(qmp);
  } finally {
    qmp.close();
  }
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null; // A line cut short by QEMU's end.
  }
}

function failed(reason: string, detail?: unknown): CoaxError {
  return new CoaxError('COAX_HYPERVISOR', reason, { detail });
}
