import { decodeCommit } from '../../../ledger/commit.ts';
import type { MessageRow } from '../../rows.ts';
import type { CommitEvent } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { bigintArray } from '../link/binary-array.ts';
import type { Link } from '../link/link.ts';
import { MESSAGE_COLUMNS } from '../statements/columns.ts';

/** A look without being told, in case that a notice was lost. */
const POLL_MS = 1000;
const PAGE = 2000;
/** Positions before the newest that may still be written when the feed begins. */
const MARGIN = 5000;

interface FeedRow {
  pos: number;
  msgid: number;
  id: string;
  body: string;
}

/**
 * The commits that other servers write, each once, while anybody listens.
 *
 * Positions come from a sequence, so a transaction may commit behind one with higher positions, and a rolled back one leaves
 * holes: the highest position seen says nothing of those below. Instead the feed remembers a horizon: the last position
 * given out, and the transactions that were running then. A transaction has its number before it takes positions, so once
 * all of those have ended, everything up to the horizon is there or never will be, and only what lies beyond is read again.
 */
export class CommitFeed {
  readonly #engine: Engine;
  readonly #tell: (events: readonly CommitEvent[]) => void;
  /** Everything up to here was told. */
  #done = 0;
  /** What was told beyond it. */
  readonly #seen = new Set<number>();
  #horizon: { pos: number; xmax: number } | null = null;
  #running = false;
  #wanted = false;
  #polling = false;
  #stopPoll: (() => void) | undefined;

  constructor(engine: Engine, tell: (events: readonly CommitEvent[]) => void) {
    this.#engine = engine;
    this.#tell = tell;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#done = -1;
    this.look();
    this.#later();
  }

  stop(): void {
    this.#running = false;
    this.#stopPoll?.();
    this.#seen.clear();
    this.#horizon = null;
  }

  /** There may be something new. */
  look(): void {
    if (!this.#running) return;
    this.#wanted = true;
    if (!this.#polling) void this.#poll();
  }

  #later(): void {
    this.#stopPoll = this.#engine.timers.after(
      POLL_MS,
      () => {
        this.look();
        if (this.#running) this.#later();
      },
      true,
    );
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    while (this.#wanted && this.#running) {
      this.#wanted = false;
      try {
        await this.#engine.readers.use(link => this.#readPage(link));
      } catch {
        // The next look tries again.
      }
    }
    this.#polling = false;
  }

  async #readPage(link: Link): Promise<void> {
    const [sequence] = await link.run<{ last: number }>('SELECT last_value AS last FROM commits_pos');
    const last = sequence?.last ?? 0;
    const fresh = this.#done < 0;
    const after = fresh ? Math.max(0, last - MARGIN) : this.#done;
    const rows = await link.run<Partial<FeedRow> & { xmin: number; xmax: number }>(
      `SELECT pg_snapshot_xmin(s)::text::bigint AS xmin, pg_snapshot_xmax(s)::text::bigint AS xmax, c.*
       FROM pg_current_snapshot() s LEFT JOIN LATERAL (
         SELECT pos, msgid, id, body FROM commits WHERE pos > $1 AND origin <> $2 ORDER BY pos LIMIT ${PAGE}
       ) c ON true`,
      [after, this.#engine.origin],
    );
    if (!this.#running) return;
    const found = rows.filter((row): row is FeedRow & { xmin: number; xmax: number } => row.pos !== null);
    const unseen = found.filter(({ pos }) => !this.#seen.has(pos));
    if (!fresh && unseen.length > 0) await this.#tellOf(link, unseen);
    if (fresh) this.#done = after;
    for (const { pos } of unseen) this.#seen.add(pos);
    this.#advance(rows[0]?.xmin ?? 0, rows[0]?.xmax ?? 0, last, found);
    if (found.length === PAGE) this.#wanted = true;
  }

  #advance(xmin: number, xmax: number, last: number, found: readonly FeedRow[]): void {
    if (this.#horizon !== null && xmin >= this.#horizon.xmax) {
      // A full page ends before the horizon: the rest of it is for the next.
      const end = found.length === PAGE ? (found.at(-1)?.pos ?? 0) : this.#horizon.pos;
      this.#done = Math.max(this.#done, Math.min(end, this.#horizon.pos));
      for (const pos of this.#seen) if (pos <= this.#done) this.#seen.delete(pos);
      if (this.#done >= this.#horizon.pos) this.#horizon = null;
    }
    this.#horizon ??= { pos: last, xmax };
  }

  async #tellOf(link: Link, rows: readonly FeedRow[]): Promise<void> {
    const byMsgid = Map.groupBy(rows, ({ msgid }) => msgid);
    const messages = await link.run<MessageRow>(
      `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE msgid = ANY ($1::bigint[])`,
      [bigintArray([...byMsgid.keys()])],
    );
    const events = (await this.#engine.messages(link, messages)).map(message => ({
      message,
      commits: (byMsgid.get(message.msgid) ?? [])
        .map(({ id, body }) => decodeCommit(id, body))
        .sort((a, b) => a.seq - b.seq),
    }));
    this.#tell(events);
  }
}
