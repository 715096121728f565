import type { Connection } from './connection.ts';

/** Commits that may lie outside the index before a run is forced between two transactions. */
const TAIL_MAX = 100_000;
/** Commits put into the index by one run. */
const RUN = 20_000;

/**
 * Finds commits by the beginning of their id. The index is filled behind the writers in sorted runs, when the store is
 * idle or the tail is long; what is not in it yet is found by a scan of the tail.
 */
export class IdIndex {
  readonly #connection: Connection;
  #done: number;
  #last: number;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#done =
      connection.get<{ value: number }>(`SELECT value FROM meta WHERE name = 'id_index_pos'`)?.value ?? 0;
    this.#last = connection.get<{ pos: number | null }>('SELECT max(pos) AS pos FROM commits')?.pos ?? 0;
  }

  /** Highest position that the index covers. */
  get done(): number {
    return this.#done;
  }

  get behind(): number {
    return this.#last - this.#done;
  }

  get isLong(): boolean {
    return this.behind > TAIL_MAX;
  }

  /** The position for the next commit. */
  nextPos(): number {
    return ++this.#last;
  }

  /** Tells of a transaction that did not happen. */
  reload(): void {
    this.#last =
      this.#connection.get<{ pos: number | null }>('SELECT max(pos) AS pos FROM commits')?.pos ?? 0;
  }

  /** Puts the next run into the index; called inside a transaction. */
  run(): void {
    const upTo = Math.min(this.#done + RUN, this.#last);
    const rows = this.#connection.all<{ pos: number; id: string }>(
      'SELECT pos, id FROM commits WHERE pos > ? AND pos <= ?',
      this.#done,
      upTo,
    );
    const entries = rows
      .map(({ pos, id }) => ({ prefix: prefixNumber(id), pos }))
      .sort((a, b) => a.prefix - b.prefix);
    const insert = this.#connection.prepare('INSERT OR IGNORE INTO commit_ids VALUES (?, ?)');
    for (const { prefix, pos } of entries) insert.run(prefix, pos);
    this.#connection.run(`UPDATE meta SET value = ? WHERE name = 'id_index_pos'`, upTo);
    this.#done = upTo;
  }
}

/** The first 12 hex digits of an id as a number: exact in a double. NaN-free for damaged ids. */
export function prefixNumber(id: string): number {
  const value = Number.parseInt(id.slice(0, 12), 16);
  return Number.isSafeInteger(value) ? value : 0;
}

/** Lowest and highest prefix number of the ids that begin with these hex digits. */
export function prefixRange(digits: string): [number, number] {
  const head = digits.slice(0, 12);
  return [Number.parseInt(head.padEnd(12, '0'), 16), Number.parseInt(head.padEnd(12, 'f'), 16)];
}
