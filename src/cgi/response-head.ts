/** What a script says before its body. */
export interface ResponseHead {
  /**
   * `document`: to be sent on as it is. `local`: the answer is what this server has at `location`. `client`: the client is
   * sent to `location`.
   */
  readonly kind: 'document' | 'local' | 'client';
  readonly status: number;
  /** The script's own words beside the number; empty if it gave none. */
  readonly statusText: string;
  readonly location: string | null;
  readonly contentType: string | null;
  /** Bytes of the body, when the script says so. */
  readonly contentLength: number | null;
  /** The other headers, as written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const HEAD_MAX_BYTES = 64 * 1024;
const LINE_MAX_BYTES = 16 * 1024;
const HEADERS_MAX = 200;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What belongs to the connection between client and server is the server's (RFC 3875, 6.3.4; RFC 9110, 7.6.1). */
const SERVERS_OWN = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'te',
  'trailer',
  'upgrade',
]);
const LF = 0x0a;
const CR = 0x0d;

/** Reads the head of a script's output from its pieces. */
export class HeadReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** The head and what of the body came with it; null while more is to come; the reason if it is no head. */
  add(piece: Uint8Array): { head: ResponseHead; body: Buffer } | { fault: string } | null {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(piece) : Buffer.concat([this.#bytes, piece]);
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const end = this.#bytes.indexOf(LF, from);
      if ((end < 0 ? this.#bytes.length : end) - from > LINE_MAX_BYTES)
        return { fault: `a header line has more than ${LINE_MAX_BYTES} bytes` };
      if (end < 0) {
        if (this.#bytes.length > HEAD_MAX_BYTES)
          return { fault: `the headers have more than ${HEAD_MAX_BYTES} bytes` };
        return null;
      }
      const line = this.#bytes.toString(
        'latin1',
        from,
        end > from && this.#bytes[end - 1] === CR ? end - 1 : end,
      );
      from = end + 1;
      if (line === '') break;
      lines.push(line);
      if (lines.length > HEADERS_MAX) return { fault: `there are more than ${HEADERS_MAX} headers` };
    }
    const head = readHead(lines);
    return 'fault' in head ? head : { head, body: this.#bytes.subarray(from) };
  }

  /** What has come so far of a head that never ended. */
  get bytes(): number {
    return this.#bytes.length;
  }
}

function readHead(lines: readonly string[]): ResponseHead | { fault: string } {
  const own = new Map<string, string>();
  const headers: [string, string][] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(colon, 0));
    if (!TOKEN.test(name))
      return { fault: `${excerpt(line)} is no header: a name, a colon and a value are wanted` };
    const value = line.slice(colon + 1).trim();
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(value))
      return { fault: `the value of ${name} has a control character` };
    const plain = name.toLowerCase();
    if (['status', 'location', 'content-type', 'content-length'].includes(plain)) {
      if (own.has(plain)) return { fault: `${name} is given twice` };
      own.set(plain, value);
    } else if (!SERVERS_OWN.has(plain) && !plain.startsWith('x-cgi-')) headers.push([name, value]);
  }
  if (lines.length === 0)
    return { fault: 'it gave no header at all; at least Content-Type, Location or Status is wanted' };
  return headOf(own, headers);
}

function headOf(
  own: ReadonlyMap<string, string>,
  headers: [string, string][],
): ResponseHead | { fault: string } {
  const given = own.get('status');
  const match = given === undefined ? null : /^([2-5]\d\d)(?: +(.*))?$/.exec(given);
  if (given !== undefined && match === null)
    return { fault: `Status: ${excerpt(given)} does not begin with a number from 200 to 599` };
  const location = own.get('location') || null;
  const length = own.get('content-length');
  if (length !== undefined && !/^\d{1,15}$/.test(length))
    return { fault: `Content-Length: ${excerpt(length)} is no number` };
  const kind =
    location === null ? 'document' : location.startsWith('/') && given === undefined ? 'local' : 'client';
  return {
    kind,
    status: match === null ? (kind === 'client' ? 302 : 200) : Number(match[1]),
    statusText: match?.[2] ?? '',
    location,
    contentType: own.get('content-type') || null,
    contentLength: length === undefined ? null : Number(length),
    headers,
  };
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
