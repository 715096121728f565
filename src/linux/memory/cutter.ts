import type { PieceBook } from './piece-book.ts';

const WORD = 4;
/** Shorter pieces say nothing: pointers and small numbers repeat everywhere. */
const TEXT_BYTES_MIN = 8;
const OTHER_BYTES_MIN = 16;
/** A piece ends where the hash of two words has so many zero bits: after 16 words on average, so that a document of some hundred bytes has an end in it. */
const CUT_MASK = 0xf000_0000 | 0;
const ONE = 0x9e3779b1 | 0;
const TWO = 0x85ebca6b | 0;
const CUT = 0xc2b2ae35 | 0;
const SEED_ONE = 0x811c9dc5 | 0;

/**
 * Cuts memory into pieces by its content alone, so that what is the same is cut the same wherever it lies: at words of zeroes, at the NUL
 * that ends a text, and within long content where the words themselves say so (content-defined chunking, Muthitacharoen et al., "A
 * Low-bandwidth Network File System", SOSP 2001). Words of 4 bytes are looked at, since what programs allocate begins at such an address.
 */
export class Cutter {
  readonly #book: PieceBook;
  // A piece under way, which may go on in the next stretch of memory.
  #one = SEED_ONE;
  #two = 0;
  #before = 0;
  #words = 0;
  /** No byte of it was zero. */
  #isText = true;
  #next = -1;

  constructor(book: PieceBook) {
    this.#book = book;
  }

  /** Takes memory from an address on; pieces go on where the one before has ended. */
  take(words: Int32Array, count: number, address: number): void {
    const book = this.#book;
    if (address !== this.#next) this.end();
    this.#next = address + WORD * count;
    let one = this.#one;
    let two = this.#two;
    let before = this.#before;
    let long = this.#words;
    let isText = this.#isText;
    for (let place = 0; place < count; place += 1) {
      const word = words[place]!;
      let cut = false;
      if (word === 0) {
        if (long === 0) continue;
        const bytes = WORD * long;
        if (bytes >= (isText ? TEXT_BYTES_MIN : OTHER_BYTES_MIN))
          book.add(one, two, bytes, address + WORD * place - bytes);
        cut = true;
      } else {
        // Nonzero where a byte of the word is zero. Source: Warren, "Hacker's Delight", 6-1.
        const zeroes = (word - 0x01010101) & ~word & 0x80808080;
        if (zeroes !== 0) {
          if (isText && long >= 2) {
            // The bytes of a text before its NUL; what lies behind is not its own.
            const first = (31 - Math.clz32(zeroes & -zeroes)) >> 3;
            const tail = word & ((1 << (8 * first)) - 1);
            const bytes = WORD * long + first;
            if (first > 0) {
              one = Math.imul(one ^ tail, ONE);
              two = Math.imul(two + tail, TWO) ^ (two >>> 13);
            }
            book.add(one, two, bytes, address + WORD * place - WORD * long);
            cut = true;
          } else isText = false;
        }
        if (!cut) {
          one = Math.imul(one ^ word, ONE);
          one ^= one >>> 15;
          two = Math.imul(two + word, TWO) ^ (two >>> 13);
          long += 1;
          if ((Math.imul(word ^ (before << 7), CUT) & CUT_MASK) === 0 && long >= 4) {
            const bytes = WORD * long;
            book.add(one, two, bytes, address + WORD * (place + 1) - bytes);
            cut = true;
          }
          before = word;
        }
      }
      if (cut) {
        one = SEED_ONE;
        two = 0;
        long = 0;
        isText = true;
      }
    }
    this.#one = one;
    this.#two = two;
    this.#before = before;
    this.#words = long;
    this.#isText = isText;
  }

  /** Nothing more comes that goes on from here. */
  end(): void {
    const bytes = WORD * this.#words;
    if (bytes >= (this.#isText ? TEXT_BYTES_MIN : OTHER_BYTES_MIN))
      this.#book.add(this.#one, this.#two, bytes, this.#next - bytes);
    this.#one = SEED_ONE;
    this.#two = 0;
    this.#before = 0;
    this.#words = 0;
    this.#isText = true;
    this.#next = -1;
  }
}
