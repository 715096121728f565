import { lasting } from './lasting.ts';

/** Names and numbers of a slot, which is two places: the name's hash, and its number plus one; 0 where the slot is empty. */
const SLOT = 2;
/** FNV-1a's (Fowler, Noll and Vo) offset and prime, of 32 bits. */
const OFFSET = 0x811c9dc5 | 0;
const PRIME = 0x01000193;

/**
 * Numbers by name, for names that the caller keeps in a column by number. With a million names a `Map` is read at four or five places
 * far from each other for each look-up; here it is one when the name is not there, and three when it is. Open addressing with linear
 * probing; what is deleted leaves no mark (Knuth, The Art of Computer Programming, volume 3, algorithm 6.4R).
 */
export class NameIndex {
  /** The name of each number that is in here. */
  #names: readonly string[];
  #slots: Int32Array;
  #size = 0;

  /** `expected`: room for so many names is made at once. */
  constructor(names: readonly string[], expected = 0) {
    this.#names = names;
    // At most half of the slots are taken.
    let slots = 64;
    while (slots < 2 * expected) slots *= 2;
    this.#slots = new Int32Array(lasting(slots * SLOT * Int32Array.BYTES_PER_ELEMENT));
  }

  /** The number of a name; -1 when it is not in here. */
  find(name: string): number {
    return this.#slots[this.#slotOf(name, hashOf(name)) + 1]! - 1;
  }

  /** The number at the first place where the name could be, which mostly is its own; -1 when nothing is there. Reads one place of memory. */
  guess(name: string): number {
    const slots = this.#slots;
    return slots[(hashOf(name) & (slots.length / SLOT - 1)) * SLOT + 1]! - 1;
  }

  /** Gives a name this number. Answers the number that it had before, or -1. The column must still have the name there. */
  put(name: string, number: number): number {
    const hash = hashOf(name);
    const slot = this.#slotOf(name, hash);
    const before = this.#slots[slot + 1]! - 1;
    this.#slots[slot] = hash;
    this.#slots[slot + 1] = number + 1;
    if (before < 0) {
      this.#size += 1;
      if (this.#size * SLOT * 2 > this.#slots.length) this.#grow();
    }
    return before;
  }

  delete(name: string): void {
    const slots = this.#slots;
    const mask = slots.length / SLOT - 1;
    let empty = this.#slotOf(name, hashOf(name));
    if (slots[empty + 1] === 0) return;
    this.#size -= 1;
    // Those behind move up, as far as none is found no longer.
    for (let slot = next(empty, mask); slots[slot + 1] !== 0; slot = next(slot, mask)) {
      const home = (slots[slot]! & mask) * SLOT;
      const isBehind = empty <= slot ? home > empty && home <= slot : home > empty || home <= slot;
      if (isBehind) continue;
      slots[empty] = slots[slot]!;
      slots[empty + 1] = slots[slot + 1]!;
      empty = slot;
    }
    slots[empty + 1] = 0;
  }

  /** The same over a copy of the column. */
  branch(names: readonly string[]): NameIndex {
    const branch = new NameIndex(names);
    branch.#slots = this.#slots.slice();
    branch.#size = this.#size;
    return branch;
  }

  /** Where the name is, or could be. */
  #slotOf(name: string, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length / SLOT - 1;
    let slot = (hash & mask) * SLOT;
    for (;;) {
      const number = slots[slot + 1]!;
      if (number === 0 || (slots[slot] === hash && this.#names[number - 1] === name)) return slot;
      slot = next(slot, mask);
    }
  }

  #grow(): void {
    const old = this.#slots;
    const slots = new Int32Array(2 * old.length);
    const mask = slots.length / SLOT - 1;
    for (let from = 0; from < old.length; from += SLOT) {
      if (old[from + 1] === 0) continue;
      let slot = (old[from]! & mask) * SLOT;
      while (slots[slot + 1] !== 0) slot = next(slot, mask);
      slots[slot] = old[from]!;
      slots[slot + 1] = old[from + 1]!;
    }
    this.#slots = slots;
  }
}

const next = (slot: number, mask: number): number => ((slot / SLOT + 1) & mask) * SLOT;

/** FNV-1a over UTF-16 units, its bits mixed once more since only the lowest choose the slot. */
function hashOf(name: string): number {
  let hash = OFFSET;
  for (let at = 0; at < name.length; at += 1) hash = Math.imul(hash ^ name.charCodeAt(at), PRIME);
  return hash ^ (hash >>> 15);
}
