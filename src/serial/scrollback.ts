/** What a line has shown last, as bytes with their place since the line was opened: whoever reads slowly goes on where it was. */
export class Scrollback {
  readonly #ring: Buffer;
  #total = 0;

  /** Keeps the last `bytes`. */
  constructor(bytes: number) {
    this.#ring = Buffer.alloc(bytes);
  }

  /** How many bytes there were in all. */
  get total(): number {
    return this.#total;
  }

  /** Place of the oldest byte that is kept. */
  get oldest(): number {
    return Math.max(0, this.#total - this.#ring.length);
  }

  push(chunk: Buffer): void {
    const { length } = this.#ring;
    const kept = chunk.length > length ? chunk.subarray(chunk.length - length) : chunk;
    const at = (this.#total + chunk.length - kept.length) % length;
    const first = Math.min(kept.length, length - at);
    kept.copy(this.#ring, at, 0, first);
    kept.copy(this.#ring, 0, first);
    this.#total += chunk.length;
  }

  /** At most `max` bytes from that place on, in a buffer of their own; from the oldest where that place is gone. */
  read(from: number, max: number): { readonly at: number; readonly bytes: Buffer } {
    const at = Math.max(from, this.oldest);
    const length = Math.max(0, Math.min(max, this.#total - at));
    const bytes = Buffer.alloc(length);
    const start = at % this.#ring.length;
    const first = Math.min(length, this.#ring.length - start);
    this.#ring.copy(bytes, 0, start, start + first);
    this.#ring.copy(bytes, first, 0, length - first);
    return { at, bytes };
  }
}
