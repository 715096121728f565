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

const LAST = 'SELECT last_value AS last FROM commits_pos';
/** `next`: a transaction's number higher than all that were given, where one is asked for and there are positions beyond. */
const NEWER = `SELECT pg_snapshot_xmin(s)::text::bigint AS xmin,
    CASE WHEN $3::boolean AND (SELECT last_value FROM commits_pos) > $1
      THEN pg_current_xact_id()::text::bigint END AS next, c.*
  FROM pg_current_snapshot() s LEFT JOIN LATERAL (
    SELECT pos, msgid, id, body FROM commits WHERE pos > $1 AND origin <> $2 ORDER BY pos LIMIT ${PAGE}
  ) c ON true`;

/** Numbers of transactions. */
interface Numbers {
  readonly xmin: number;
  readonly next: number | null;
}

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
 * given out, and a transaction's number that was taken after that, for nothing else. A transaction has its number before it takes
 * positions, so once all with lower numbers have ended, everything up to the horizon is there or never will be, and only what
 * lies beyond is read again. (The highest number that a snapshot knows would not do: of those under way it knows only what
 * is below the highest that has ended.)
 */
export class CommitFeed {
  readonly #engine: Engine;
  readonly #tell: (events: readonly CommitEvent[]) => void;
  /** Everything up to here was told. */
  #done = 0;
  /** What was told beyond it. */
  readonly #seen = new Set<number>();
  #horizon: { pos: number; next: number } | null = null;
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
    const fresh = this.#done < 0;
    const lastOf = async (): Promise<number> => (await link.run<{ last: number }>(LAST))[0]?.last ?? 0;
    const read = (after: number) =>
      link.run<Partial<FeedRow> & Numbers>(NEWER, [after, this.#engine.origin, this.#horizon === null]);
    let after = this.#done;
    if (fresh) after = Math.max(0, (await lastOf()) - MARGIN);
    // Both go out together, and are done in this order.
    const [last, rows] = await Promise.all([lastOf(), read(after)]);
    if (!this.#running) return;
    const found = rows.filter((row): row is FeedRow & Numbers => row.pos !== null);
    const unseen = found.filter(({ pos }) => !this.#seen.has(pos));
    if (!fresh && unseen.length > 0) await this.#tellOf(link, unseen);
    if (fresh) this.#done = after;
    for (const { pos } of unseen) this.#seen.add(pos);
    this.#advance(rows[0] ?? { xmin: 0, next: null }, last, found);
    if (found.length === PAGE) this.#wanted = true;
  }

  #advance({ xmin, next }: Numbers, last: number, found: readonly FeedRow[]): void {
    if (this.#horizon !== null && xmin >= this.#horizon.next) {
      // A full page ends before the horizon: the rest of it is for the next.
      const end = found.length === PAGE ? (found.at(-1)?.pos ?? 0) : this.#horizon.pos;
      this.#done = Math.max(this.#done, Math.min(end, this.#horizon.pos));
      for (const pos of this.#seen) if (pos <= this.#done) this.#seen.delete(pos);
      if (this.#done >= this.#horizon.pos) this.#horizon = null;
    }
    if (next !== null) this.#horizon ??= { pos: last, next };
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
