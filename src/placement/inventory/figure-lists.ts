import { grown } from './claim-book.ts';
import { lasting } from './lasting.ts';

/**
 * A short list of figures for each host, all in one array, so that those of a host are neighbours: what is free on each GPU, or in each
 * NUMA cell. Every host has as much room as the longest list.
 */
export class FigureLists {
  /** The list of a host begins at `width` times its number. */
  figures: Float64Array = new Float64Array(0);
  width = 0;
  #lengths: Uint16Array;

  /** `room`: so many lists, before it grows. */
  constructor(room = 64) {
    this.#lengths = new Uint16Array(room);
  }

  lengthOf(at: number): number {
    return this.#lengths[at]!;
  }

  /** A copy. */
  list(at: number): number[] {
    const list = new Array<number>(this.#lengths[at]!);
    const from = at * this.width;
    for (let place = 0; place < list.length; place += 1) list[place] = this.figures[from + place]!;
    return list;
  }

  set(at: number, list: readonly number[]): void {
    if (at >= this.#lengths.length) {
      const lengths = new Uint16Array(Math.max(at + 1, 2 * this.#lengths.length));
      lengths.set(this.#lengths);
      this.#lengths = lengths;
    }
    if (list.length > this.width) this.#widen(list.length);
    const from = at * this.width;
    if (list.length > 0 && from + list.length > this.figures.length)
      this.figures = grown(this.figures, new Float64Array(this.#lengths.length * this.width));
    this.#lengths[at] = list.length;
    for (let place = 0; place < list.length; place += 1) this.figures[from + place] = list[place]!;
  }

  branch(): FigureLists {
    const branch = new FigureLists();
    branch.figures = this.figures.slice();
    branch.width = this.width;
    branch.#lengths = this.#lengths.slice();
    return branch;
  }

  #widen(width: number): void {
    const bytes = this.#lengths.length * width * Float64Array.BYTES_PER_ELEMENT;
    const figures = new Float64Array(lasting(bytes));
    for (let at = 0; at < this.#lengths.length; at += 1) {
      const length = this.#lengths[at]!;
      if (length === 0) continue;
      const from = at * this.width;
      figures.set(this.figures.subarray(from, from + length), at * width);
    }
    this.figures = figures;
    this.width = width;
  }
}
