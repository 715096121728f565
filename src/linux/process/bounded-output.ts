/** The first bytes of a stream, up to a limit. */
export class Head {
  readonly #maxBytes: number;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False if this piece went over the limit: nothing more is kept. */
  add(piece: Buffer): boolean {
    const room = this.#maxBytes - this.#bytes;
    this.#pieces.push(piece.length > room ? piece.subarray(0, room) : piece);
    this.#bytes += Math.min(piece.length, room);
    return piece.length <= room;
  }

  bytes(): Buffer {
    return this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
  }
}

/** The last bytes of a stream; costs at most about twice the limit, however much flows through. */
export class Tail {
  readonly #maxBytes: number;
  #kept: Buffer = Buffer.alloc(0);
  #cut = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(piece: Buffer): void {
    if (piece.length >= this.#maxBytes) {
      this.#cut ||= this.#kept.length > 0 || piece.length > this.#maxBytes;
      this.#kept = Buffer.from(piece.subarray(piece.length - this.#maxBytes));
      return;
    }
    const all = Buffer.concat([this.#kept, piece]);
    this.#cut ||= all.length > this.#maxBytes;
    this.#kept = all.length > this.#maxBytes ? all.subarray(all.length - this.#maxBytes) : all;
  }

  /** As text; when the beginning was cut, from the first whole line or at least the first whole character. */
  text(): string {
    if (!this.#cut) return this.#kept.toString('utf8');
    const line = this.#kept.indexOf(0x0a);
    if (line >= 0 && line < this.#kept.length - 1) return `…\n${this.#kept.toString('utf8', line + 1)}`;
    let start = 0;
    while (start < 4 && ((this.#kept[start] ?? 0) & 0xc0) === 0x80) start++; // the rest of a cut UTF-8 character
    return `…${this.#kept.toString('utf8', start)}`;
  }
}

const LINE_MAX_CHARACTERS = 4096;

/** Cuts a stream of text into lines and hands on the first so many; an overlong line comes in pieces. */
export class Lines {
  readonly #give: (line: string) => void;
  readonly #decoder = new TextDecoder();
  #left: number;
  #rest = '';

  constructor(linesMax: number, give: (line: string) => void) {
    this.#left = linesMax;
    this.#give = give;
  }

  add(piece: Buffer): void {
    if (this.#left === 0) return;
    const parts = (this.#rest + this.#decoder.decode(piece, { stream: true })).split('\n');
    this.#rest = parts.pop()!;
    for (const line of parts) this.#hand(line);
    while (this.#rest.length > LINE_MAX_CHARACTERS && this.#left > 0) {
      this.#hand(this.#rest.slice(0, LINE_MAX_CHARACTERS));
      this.#rest = this.#rest.slice(LINE_MAX_CHARACTERS);
    }
    if (this.#left === 0) this.#rest = '';
  }

  end(): void {
    if (this.#rest !== '') this.#hand(this.#rest);
    this.#rest = '';
  }

  #hand(line: string): void {
    if (this.#left === 0) return;
    this.#left--;
    this.#give(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}
