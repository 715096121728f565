import type { MessageLite, MessagePage, MessageView } from '../../../../src/api/message.ts';
import { liteOf } from '../../../../src/client/message-lite.ts';
import { awaitsPerson } from '../../api/approvals.ts';
import { type LiveBatch, live } from '../../api/live.ts';
import { get } from '../../api/request.ts';
import type { Filters } from './filters.ts';

/** One message in a list. */
export type MessageRow = Omit<MessageLite, 'head'>;

export interface ListState {
  /** Newest first. */
  readonly rows: readonly MessageRow[];
  /** New messages that are held back while somebody reads. */
  readonly held: number;
  readonly loading: boolean;
  readonly error: Error | null;
  /** The oldest message there is has been read. */
  readonly ended: boolean;
}

const PAGE_FIRST = 200;
/** Each page has the table reckon with all rows anew: who scrolls on gets fewer, larger ones. */
const PAGE_MORE = 500;
/** A page that was left open for days begins anew rather than keep everything that ever passed. */
const ROWS_MAX = 200_000;
const ASK_MS = 1000;

/**
 * The messages of one filter: pages of the past, read as they are scrolled to, and what happens now. Rows are sorted by msgid,
 * so an event finds its row by halving; a batch of events copies the list once, and only rows that changed are new objects.
 */
export class MessageList {
  readonly #filters: Filters;
  #state: ListState = { rows: [], held: 0, loading: false, error: null, ended: false };
  #held: MessageRow[] = [];
  #holding = false;
  #asking = false;
  #next: string | undefined;
  #reading: AbortController | null = null;
  readonly #watchers = new Set<() => void>();

  constructor(filters: Filters) {
    this.#filters = filters;
  }

  readonly state = (): ListState => this.#state;

  readonly watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };

  /** Reads the first page and follows the events; returns what ends it. */
  start(): () => void {
    const end = this.#filters.archived ? () => {} : live.hear(batch => this.apply(batch));
    void this.#read(undefined);
    return () => {
      end();
      this.#reading?.abort();
    };
  }

  /** Reads the next page, unless one is being read or there is none. */
  more(): void {
    if (this.#state.loading || this.#state.ended || this.#state.error !== null) return;
    void this.#read(this.#next);
  }

  /** Reads again from the first page. */
  again(): void {
    void this.#read(undefined);
  }

  /** While it holds, new messages wait aside, so that rows stay where they are under somebody's eyes. */
  hold(holding: boolean): void {
    this.#holding = holding;
    if (!holding && this.#held.length > 0) this.#become({ rows: this.#withHeld(), held: 0 });
  }

  /** What happened: rows change in place, come, and go when they no longer fit the filter. */
  apply({ events, gap }: LiveBatch): void {
    if (gap) {
      this.again();
      return;
    }
    const changed = new Map<number, MessageRow>();
    for (const { message } of events) changed.set(message.msgid, withoutHead(message));
    const rows = [...this.#state.rows];
    let touched = false;
    for (const row of changed.values()) touched = this.#take(rows, row) || touched;
    if (touched && rows.length > ROWS_MAX && !this.#holding) {
      this.again();
      return;
    }
    const held = this.#held.length;
    if (touched) this.#become({ rows: rows.filter(row => this.#fits(row)), held });
    else if (held !== this.#state.held) this.#become({ held });
  }

  /** Puts what a message has become into the list, or aside; whether the list is another now. */
  #take(rows: MessageRow[], row: MessageRow): boolean {
    const heldAt = this.#held.findIndex(({ msgid }) => msgid === row.msgid);
    if (heldAt >= 0) {
      if (this.#fits(row)) this.#held[heldAt] = row;
      else this.#held.splice(heldAt, 1);
      return false;
    }
    const at = placeOf(rows, row.msgid);
    if (rows[at]?.msgid === row.msgid) {
      rows[at] = row;
      return true;
    }
    // Older than all that was read: it comes with its page.
    if (at === rows.length && rows.length > 0 && !this.#state.ended) return false;
    if (!this.#fits(row)) return false;
    if (this.#filters.selector !== undefined) {
      this.#askSoon();
      return false;
    }
    if (at === 0 && this.#holding) {
      this.#held.unshift(row);
      return false;
    }
    rows.splice(at, 0, row);
    return true;
  }

  /** Which labels fit a selector is the server's to say, so what is new is asked of it; seldom, and not under a reader's eyes. */
  #askSoon(): void {
    if (this.#asking || this.#holding) return;
    this.#asking = true;
    setTimeout(() => {
      this.#asking = false;
      if (!this.#holding && this.#watchers.size > 0) this.again();
    }, ASK_MS);
  }

  async #read(cursor: string | undefined): Promise<void> {
    this.#reading?.abort();
    const reading = new AbortController();
    this.#reading = reading;
    this.#become({ loading: true, error: null });
    try {
      const limit = cursor === undefined ? PAGE_FIRST : PAGE_MORE;
      const { approval } = this.#filters;
      const query = { ...this.#filters, ...(approval && { children: true }), limit, cursor };
      const page = await get<MessagePage>('/v1/messages', query, reading.signal);
      const read = page.items.map(rowOf);
      if (cursor === undefined) this.#held = [];
      const rows = cursor === undefined ? read : joined(this.#state.rows, read);
      this.#next = page.next;
      this.#become({ rows, held: this.#held.length, loading: false, ended: page.next === undefined });
    } catch (error) {
      if (!reading.signal.aborted) this.#become({ loading: false, error: error as Error });
    }
  }

  #withHeld(): MessageRow[] {
    const rows = [...this.#held.sort((a, b) => b.msgid - a.msgid), ...this.#state.rows];
    this.#held = [];
    return rows;
  }

  #fits(row: MessageRow): boolean {
    const { status, flow, project, approval, children } = this.#filters;
    if (approval && !awaitsPerson(row)) return false;
    if (status !== undefined && row.status !== status) return false;
    if (flow !== undefined && row.flow !== flow) return false;
    if (project !== undefined && row.project !== project) return false;
    return children === true || approval === true || row.parent === null;
  }

  #become(change: Partial<ListState>): void {
    this.#state = { ...this.#state, ...change };
    for (const watcher of this.#watchers) watcher();
  }
}

/** Where a msgid stands in a list from high to low, or would stand. */
function placeOf(rows: readonly MessageRow[], msgid: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle]!.msgid > msgid) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A page may repeat what an event brought meanwhile: the newer of the two stays. */
function joined(rows: readonly MessageRow[], read: readonly MessageRow[]): MessageRow[] {
  const last = rows.at(-1)?.msgid ?? Number.POSITIVE_INFINITY;
  return [...rows, ...read.filter(({ msgid }) => msgid < last)];
}

const withoutHead = ({ head: _, ...row }: MessageLite): MessageRow => row;

/** A message as a list shows it. */
export const rowOf = (message: MessageView): MessageRow => withoutHead(liteOf(message));
