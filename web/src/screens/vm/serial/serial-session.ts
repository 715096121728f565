import { serialTicket } from '../../../api/fleet.ts';

export type SerialState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly readonly: boolean; readonly watchers: number }
  /** It ended in order; a person may connect again. */
  | { readonly kind: 'ended'; readonly reason: string }
  | { readonly kind: 'refused'; readonly error: Error };

/** What the server tells beside the bytes. */
type News =
  | { readonly type: 'attached'; readonly readonly: boolean; readonly watchers: number }
  | { readonly type: 'watchers'; readonly watchers: number }
  | { readonly type: 'skipped'; readonly bytes: number }
  | { readonly type: 'overrun'; readonly bytes: number };

export interface SerialListener {
  onBytes(bytes: Uint8Array): void;
  onState(state: SerialState): void;
  onLoss(kind: 'skipped' | 'overrun', bytes: number): void;
}

/** What the line showed last is asked for when it is opened. */
const SCROLLBACK_BYTES = 64 * 1024;
/** The line ended in order. */
const NORMAL = 1000;
const AGAIN_MS = { least: 500, most: 8000 };

/** The serial line of a VM, as a browser holds it: opened by a ticket that is good once, and again when it was cut off. */
export class SerialSession {
  readonly #vm: string;
  readonly #readonly: boolean;
  readonly #listener: SerialListener;
  #socket: WebSocket | null = null;
  #timer = 0;
  #delayMs = AGAIN_MS.least;
  #closed = false;

  constructor(vm: string, readonly: boolean, listener: SerialListener) {
    this.#vm = vm;
    this.#readonly = readonly;
    this.#listener = listener;
    void this.#connect(SCROLLBACK_BYTES);
  }

  send(data: string): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(new TextEncoder().encode(data));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  async #connect(scrollback: number): Promise<void> {
    this.#tell({ kind: 'connecting' });
    let protocol: string;
    try {
      ({ protocol } = await serialTicket(this.#vm, this.#readonly));
    } catch (error) {
      return this.#tell({ kind: 'refused', error: error as Error });
    }
    if (this.#closed) return;
    const url = new URL(`/v1/vms/${encodeURIComponent(this.#vm)}/serial`, location.href);
    url.protocol = url.protocol.replace('http', 'ws');
    url.searchParams.set('scrollback', String(scrollback));
    const socket = new WebSocket(url, ['coax.serial', protocol]);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    let state = { kind: 'open', readonly: this.#readonly, watchers: 1 } as const as SerialState & {
      kind: 'open';
    };
    socket.onmessage = ({ data }) => {
      if (typeof data !== 'string') return this.#listener.onBytes(new Uint8Array(data as ArrayBuffer));
      const news = JSON.parse(data) as News;
      if (news.type === 'skipped' || news.type === 'overrun')
        return this.#listener.onLoss(news.type, news.bytes);
      this.#delayMs = AGAIN_MS.least;
      state = {
        ...state,
        watchers: news.watchers,
        ...(news.type === 'attached' && { readonly: news.readonly }),
      };
      this.#tell(state);
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#closed) return;
      if (code === NORMAL) return this.#tell({ kind: 'ended', reason });
      this.#tell({ kind: 'connecting' });
      this.#timer = window.setTimeout(() => void this.#connect(0), this.#delayMs);
      this.#delayMs = Math.min(this.#delayMs * 2, AGAIN_MS.most);
    };
  }

  #tell(state: SerialState): void {
    if (!this.#closed) this.#listener.onState(state);
  }
}
