/** Pieces that the book holds at most before it forgets those that were seen least. */
const PIECES_MAX = 1 << 20;
/** Slots for each piece; a power of two. */
const SLOTS_PER_PIECE = 4;

/** Pieces that wait to be booked together; a power of two. */
const WAITING_MAX = 64;

export interface Piece {
  readonly bytes: number;
  /** How often it was seen, and where first, second and last. */
  readonly count: number;
  readonly first: number;
  readonly second: number;
  readonly last: number;
}

/**
 * How often each piece of memory was seen, by two hashes of its content. The book has a bound: when it is full, the pieces that were seen
 * least are forgotten, as in lossy counting (Manku and Motwani, "Approximate Frequency Counts over Data Streams", VLDB 2002), so a count
 * may be too low, never too high.
 */
export class PieceBook {
  #slots: Int32Array;
  readonly #max: number;
  #end = 0;
  readonly #one: Int32Array;
  readonly #two: Int32Array;
  readonly #bytes: Uint32Array;
  readonly #count: Uint32Array;
  readonly #first: Float64Array;
  readonly #second: Float64Array;
  readonly #last: Float64Array;

  // What waits: the slots of many pieces are fetched at once, since each lies somewhere else in memory and takes long to come.
  #waiting = 0;
  readonly #waitingOne = new Int32Array(WAITING_MAX);
  readonly #waitingTwo = new Int32Array(WAITING_MAX);
  readonly #waitingBytes = new Uint32Array(WAITING_MAX);
  readonly #waitingAt = new Float64Array(WAITING_MAX);
  readonly #fetched = new Int32Array(WAITING_MAX);

  constructor(max = PIECES_MAX) {
    this.#max = max;
    this.#slots = new Int32Array(SLOTS_PER_PIECE * max);
    this.#one = new Int32Array(max);
    this.#two = new Int32Array(max);
    this.#bytes = new Uint32Array(max);
    this.#count = new Uint32Array(max);
    this.#first = new Float64Array(max);
    this.#second = new Float64Array(max);
    this.#last = new Float64Array(max);
  }

  add(one: number, two: number, bytes: number, address: number): void {
    const at = this.#waiting;
    this.#waitingOne[at] = one;
    this.#waitingTwo[at] = two;
    this.#waitingBytes[at] = bytes;
    this.#waitingAt[at] = address;
    this.#waiting = at + 1;
    if (at + 1 === WAITING_MAX) this.#flush();
  }

  #flush(): void {
    const [ones, twos, sizes, places] = [
      this.#waitingOne,
      this.#waitingTwo,
      this.#waitingBytes,
      this.#waitingAt,
    ];
    const [slots, fetched, count] = [this.#slots, this.#fetched, this.#waiting];
    const mask = slots.length - 1;
    for (let at = 0; at < count; at += 1) fetched[at] = slots[(ones[at]! ^ (twos[at]! >>> 15)) & mask]!;
    for (let at = 0; at < count; at += 1) this.#book(ones[at]!, twos[at]!, sizes[at]!, places[at]!);
    this.#waiting = 0;
  }

  #book(one: number, two: number, bytes: number, address: number): void {
    const mask = this.#slots.length - 1;
    let slot = (one ^ (two >>> 15)) & mask;
    for (;;) {
      const piece = this.#slots[slot]! - 1;
      if (piece < 0) break;
      if (this.#one[piece] === one && this.#two[piece] === two && this.#bytes[piece] === bytes) {
        this.#count[piece]! += 1;
        if (this.#count[piece] === 2) this.#second[piece] = address;
        this.#last[piece] = address;
        return;
      }
      slot = (slot + 1) & mask;
    }
    if (this.#end === this.#max) {
      this.#forget();
      this.#book(one, two, bytes, address);
      return;
    }
    const piece = this.#end;
    this.#end += 1;
    this.#slots[slot] = piece + 1;
    this.#one[piece] = one;
    this.#two[piece] = two;
    this.#bytes[piece] = bytes;
    this.#count[piece] = 1;
    this.#first[piece] = address;
    this.#second[piece] = address;
    this.#last[piece] = address;
  }

  /** Pieces that were seen at least twice, those that take the most bytes first. */
  repeated(limit: number): Piece[] {
    this.#flush();
    const places: number[] = [];
    for (let piece = 0; piece < this.#end; piece += 1) if (this.#count[piece]! > 1) places.push(piece);
    const total = (piece: number): number => this.#count[piece]! * this.#bytes[piece]!;
    places.sort((one, other) => total(other) - total(one));
    return places.slice(0, limit).map(piece => ({
      bytes: this.#bytes[piece]!,
      count: this.#count[piece]!,
      first: this.#first[piece]!,
      second: this.#second[piece]!,
      last: this.#last[piece]!,
    }));
  }

  /** Leaves out what was seen least, until half of the room is free. */
  #forget(): void {
    for (let least = 2; this.#end > this.#max / 2; least *= 2) this.#keep(least);
    this.#slots.fill(0);
    const mask = this.#slots.length - 1;
    for (let piece = 0; piece < this.#end; piece += 1) {
      let slot = (this.#one[piece]! ^ (this.#two[piece]! >>> 15)) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = piece + 1;
    }
  }

  #keep(least: number): void {
    // In memory that never repeats, all pieces come through here again and again: so no loop over the columns.
    const [ones, twos, sizes, counts] = [this.#one, this.#two, this.#bytes, this.#count];
    const [firsts, seconds, lasts] = [this.#first, this.#second, this.#last];
    let to = 0;
    for (let piece = 0; piece < this.#end; piece += 1) {
      if (counts[piece]! < least) continue;
      ones[to] = ones[piece]!;
      twos[to] = twos[piece]!;
      sizes[to] = sizes[piece]!;
      counts[to] = counts[piece]!;
      firsts[to] = firsts[piece]!;
      seconds[to] = seconds[piece]!;
      lasts[to] = lasts[piece]!;
      to += 1;
    }
    this.#end = to;
  }
}
