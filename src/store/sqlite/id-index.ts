import { prefixNumber } from '../id-prefix.ts';
import type { Connection } from './connection.ts';
import { keepLastMsgid } from './statements/last-msgid.ts';

/** Commits that may lie outside the index before runs are forced between transactions. */
const TAIL_MAX = 250_000;
/** Entries that one run writes at most: what others wait for it. */
const RUN = 20_000;
/**
 * Commits whose entries are sorted together and written by the runs that follow. Each run then writes to its own part of the index:
 * a page is written once for all that come into it, not once for each run.
 */
const SORTED_MAX = 2 ** 17;

/** Entries of one statement: an entry alone costs 0.43 µs, one of sixteen 0.21 µs (measured, sorted ones). */
const TOGETHER = 16;
const INSERT_ONE = 'INSERT OR IGNORE INTO commit_ids VALUES (?, ?)';
const INSERT_MANY = `${INSERT_ONE}${', (?, ?)'.repeat(TOGETHER - 1)}`;

/** Entries in the order of the index. */
interface Sorted {
  readonly prefixes: Float64Array;
  readonly positions: Float64Array;
  /** The last position that is covered when all of them are written. */
  readonly upTo: number;
  /** The first that is not written, and the first that is not written durably. */
  next: number;
  kept: number;
}

/**
 * Finds commits by the beginning of their id. The index is filled behind the writers in sorted runs, when the store is
 * idle or the tail is long. The ids that may not be in it yet are kept in memory: a scan of the tail's rows took 15 ms.
 */
export class IdIndex {
  readonly #connection: Connection;
  #done = 0;
  #last = 0;
  /** Commits that the index may not cover yet. */
  readonly #tail = new Tail();
  #sorted: Sorted | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.reload();
    const tail = connection.all<{ pos: number; prefix: string }>(
      'SELECT pos, substr(id, 1, 12) AS prefix FROM commits WHERE pos > ? ORDER BY pos',
      this.#done,
    );
    for (const { pos, prefix } of tail) this.#tail.push(pos, prefixNumber(prefix));
  }

  /** Commits that the index does not cover. */
  get behind(): number {
    return this.#last - this.#done;
  }

  /** More runs are due, however busy the store is. */
  get isLong(): boolean {
    return this.#isUnderWay || this.behind > TAIL_MAX;
  }

  get #isUnderWay(): boolean {
    return this.#sorted !== null && this.#sorted.next < this.#sorted.positions.length;
  }

  /** The position for the next commit, which has this id. */
  nextPos(id: string): number {
    this.#last += 1;
    this.#tail.push(this.#last, prefixNumber(id));
    return this.#last;
  }

  /** Tells of a transaction that did not happen: neither its commits, nor its run of the index. */
  reload(): void {
    const { done, last } = this.#connection.get<{ done: number | null; last: number | null }>(
      `SELECT (SELECT value FROM meta WHERE name = 'id_index_pos') AS done,
         max((SELECT value FROM meta WHERE name = 'last_pos'), ifnull((SELECT max(pos) FROM commits), 0),
           ifnull((SELECT max(pos) FROM accepted), 0)) AS last`,
    ) ?? { done: null, last: null };
    this.#done = done ?? 0;
    this.#last = last ?? 0;
    // What was sorted in that very transaction may hold commits that did not happen.
    if (this.#sorted?.kept === 0) this.#sorted = null;
    else if (this.#sorted !== null) this.#sorted.next = this.#sorted.kept;
    this.#tail.endAt(this.#last);
  }

  /** The transaction is durable. */
  keep(): void {
    if (this.#sorted === null) return;
    if (this.#isUnderWay) this.#sorted.kept = this.#sorted.next;
    else this.#sorted = null;
  }

  /** Positions outside the index, and some that are in it too, whose prefix numbers are in that range. */
  inTail(low: number, high: number): number[] {
    return this.#tail.find(low, high);
  }

  /** Puts the next run into the index; called inside a transaction. The commits count as covered when all of theirs are in it. */
  run(): void {
    if (this.#sorted === null || !this.#isUnderWay) {
      // What was written before is durable by now; what is written from here on stays in memory until the next time.
      this.#tail.beginAfter(this.#done);
      this.#sorted = this.#tail.sorted(this.#last);
    }
    const { prefixes, positions, upTo, next } = this.#sorted;
    const end = Math.min(next + RUN, positions.length);
    let at = next;
    const many = this.#connection.prepare(INSERT_MANY);
    for (; at + TOGETHER <= end; at += TOGETHER) {
      const values: number[] = [];
      for (let one = at; one < at + TOGETHER; one++) values.push(prefixes[one]!, positions[one]!);
      many.run(...values);
    }
    const insert = this.#connection.prepare(INSERT_ONE);
    for (; at < end; at++) insert.run(prefixes[at]!, positions[at]!);
    this.#sorted.next = end;
    if (end < positions.length) return;
    this.#connection.run(`UPDATE meta SET value = ? WHERE name = 'id_index_pos'`, upTo);
    keepLastMsgid(this.#connection);
    this.#done = upTo;
  }
}

/** Positions, growing, and beside them the prefix numbers of their ids. Plain numbers in a row: there may be a quarter of a million. */
class Tail {
  #positions = new Float64Array(1024);
  #prefixes = new Float64Array(1024);
  #first = 0;
  #end = 0;

  push(pos: number, prefix: number): void {
    if (this.#end === this.#positions.length) this.#makeRoom();
    this.#positions[this.#end] = pos;
    this.#prefixes[this.#end] = prefix;
    this.#end += 1;
  }

  #makeRoom(): void {
    const count = this.#end - this.#first;
    const room = Math.max(1024, count * 2);
    const moved = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const to = new Float64Array(room);
      to.set(from.subarray(this.#first, this.#end));
      return to;
    };
    this.#positions = moved(this.#positions);
    this.#prefixes = moved(this.#prefixes);
    this.#first = 0;
    this.#end = count;
  }

  /** Forgets what lies up to that position. */
  beginAfter(pos: number): void {
    while (this.#first < this.#end && this.#positions[this.#first]! <= pos) this.#first += 1;
    if (this.#first === this.#end) this.#makeRoom();
  }

  /** Forgets what lies beyond that position. */
  endAt(pos: number): void {
    while (this.#first < this.#end && this.#positions[this.#end - 1]! > pos) this.#end -= 1;
  }

  find(low: number, high: number): number[] {
    const found: number[] = [];
    for (let at = this.#first; at < this.#end; at++) {
      const prefix = this.#prefixes[at]!;
      if (low <= prefix && prefix <= high) found.push(this.#positions[at]!);
    }
    return found;
  }

  /** The first of them in the order of their first 36 bits: these and a place among 2^17 fit into one number. */
  sorted(last: number): Sorted {
    const count = Math.min(SORTED_MAX, this.#end - this.#first);
    const keys = new Float64Array(count);
    for (let at = 0; at < count; at++)
      keys[at] = Math.floor(this.#prefixes[this.#first + at]! / 2 ** 12) * SORTED_MAX + at;
    keys.sort();
    const prefixes = new Float64Array(count);
    const positions = new Float64Array(count);
    for (let at = 0; at < count; at++) {
      const from = this.#first + (keys[at]! % SORTED_MAX);
      prefixes[at] = this.#prefixes[from]!;
      positions[at] = this.#positions[from]!;
    }
    const upTo = count === 0 ? last : this.#positions[this.#first + count - 1]!;
    return { prefixes, positions, upTo, next: 0, kept: 0 };
  }
}
