import { prefixNumber } from '../id-prefix.ts';
import type { Connection } from './connection.ts';
import { keepLastMsgid } from './statements/last-msgid.ts';

/** Commits that may lie outside the index before a run is forced between two transactions. */
const TAIL_MAX = 250_000;
/** Commits put into the index by one run. */
const RUN = 20_000;

/**
 * Finds commits by the beginning of their id. The index is filled behind the writers in sorted runs, when the store is
 * idle or the tail is long. The ids that may not be in it yet are kept in memory: a scan of the tail's rows took 15 ms.
 */
export class IdIndex {
  readonly #connection: Connection;
  #done = 0;
  #last = 0;
  /** Positions that the index may not cover yet, growing, and beside them the prefix numbers of their ids. */
  #positions: number[] = [];
  #prefixes: number[] = [];

  constructor(connection: Connection) {
    this.#connection = connection;
    this.reload();
    const tail = connection.all<{ pos: number; prefix: string }>(
      'SELECT pos, substr(id, 1, 12) AS prefix FROM commits WHERE pos > ? ORDER BY pos',
      this.#done,
    );
    this.#positions = tail.map(row => row.pos);
    this.#prefixes = tail.map(row => prefixNumber(row.prefix));
  }

  /** Commits that the index does not cover. */
  get behind(): number {
    return this.#last - this.#done;
  }

  get isLong(): boolean {
    return this.behind > TAIL_MAX;
  }

  /** The position for the next commit, which has this id. */
  nextPos(id: string): number {
    this.#last += 1;
    this.#positions.push(this.#last);
    this.#prefixes.push(prefixNumber(id));
    return this.#last;
  }

  /** Tells of a transaction that did not happen: neither its commits, nor its run of the index. */
  reload(): void {
    const { done, last } = this.#connection.get<{ done: number | null; last: number | null }>(
      `SELECT (SELECT value FROM meta WHERE name = 'id_index_pos') AS done,
         max((SELECT value FROM meta WHERE name = 'last_pos'), ifnull((SELECT max(pos) FROM commits), 0)) AS last`,
    ) ?? { done: null, last: null };
    this.#done = done ?? 0;
    this.#last = last ?? 0;
    while ((this.#positions.at(-1) ?? 0) > this.#last) {
      this.#positions.pop();
      this.#prefixes.pop();
    }
  }

  /** Positions outside the index, and some that are in it too, whose prefix numbers are in that range. */
  inTail(low: number, high: number): number[] {
    return this.#positions.filter((_, index) => {
      const prefix = this.#prefixes[index] as number;
      return low <= prefix && prefix <= high;
    });
  }

  /** Puts the next run into the index; called inside a transaction. */
  run(): void {
    // What the run before put there is durable by now; what this one puts there stays in memory until the next.
    const known = this.#positions.findIndex(pos => pos > this.#done);
    const first = known === -1 ? this.#positions.length : known;
    this.#positions = this.#positions.slice(first);
    this.#prefixes = this.#prefixes.slice(first);
    const entries = this.#positions
      .slice(0, RUN)
      .map((pos, index) => ({ prefix: this.#prefixes[index] as number, pos }));
    const upTo = entries.at(-1)?.pos ?? this.#last;
    entries.sort((a, b) => a.prefix - b.prefix);
    const insert = this.#connection.prepare('INSERT OR IGNORE INTO commit_ids VALUES (?, ?)');
    for (const { prefix, pos } of entries) insert.run(prefix, pos);
    this.#connection.run(`UPDATE meta SET value = ? WHERE name = 'id_index_pos'`, upTo);
    keepLastMsgid(this.#connection);
    this.#done = upTo;
  }
}
