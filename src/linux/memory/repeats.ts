import type { Mapping } from '../procfs/smaps.ts';
import type { Piece } from './piece-book.ts';
import type { ProcessMemory } from './process-memory.ts';

export interface Repeat {
  /** How often it was found, and the bytes that all of it takes. */
  readonly count: number;
  readonly bytes: number;
  /** Name of the mapping where it was found first; `anonymous` where that has none. */
  readonly mapping: string;
  /** Address of the first one. */
  readonly address: number;
  /** How it begins, 1,000 bytes at most; a character that is not printable is shown as in `\\x1b`. */
  readonly sample: string;
}

const LOOK_BYTES = 65_536;
const SAMPLE_BYTES = 1000;
/** Pieces of one text may differ so much in how often they were found. */
const ALIKE = 0.1;

/** Where the pieces lie. */
export interface Place {
  readonly memory: ProcessMemory;
  readonly mappings: readonly Mapping[];
}

interface Found {
  count: number;
  bytes: number;
  /** The first one, as far as it is the same as others, and the whole text around it. */
  readonly start: number;
  readonly end: number;
  readonly textStart: number;
  readonly textEnd: number;
  readonly content: Buffer;
  /** Addresses within a word of 4 bytes at which it begins: at each it was cut into other pieces. */
  readonly phases: Set<number>;
}

/**
 * What pieces are pieces of: each is followed in both directions as far as the first, the second and the last of it are the same, and
 * pieces of one text that differs only in between, such as a document with an id of its own, are one. The most bytes first.
 */
export function repeatsOf(pieces: readonly Piece[], place: Place, limit: number): Repeat[] {
  const { memory, mappings } = place;
  const found: Found[] = [];
  for (const piece of pieces) {
    if (found.some(one => isOf(one, piece, memory))) continue;
    const { start, end } = extended(piece, place);
    const whole = found.find(
      ({ textStart, textEnd, count }) =>
        textStart <= start && end <= textEnd && Math.abs(count - piece.count) <= ALIKE * count,
    );
    if (whole) {
      whole.bytes += piece.count * (end - start);
      continue;
    }
    const around = textAround(start, end, place);
    // What is there several times in one text stands for itself.
    const isOnce = piece.second < around.start || piece.second >= around.end;
    const text = isOnce ? around : { start, end };
    found.push({
      count: piece.count,
      bytes: piece.count * (end - start),
      start,
      end,
      textStart: text.start,
      textEnd: text.end,
      content: readOf(memory, start, end - start),
      phases: new Set([start & 3]),
    });
  }
  return found
    .sort((one, other) => other.bytes - one.bytes)
    .slice(0, limit)
    .map(({ count, bytes, start, textStart, textEnd, end }) => ({
      count,
      bytes,
      mapping: mappings.find(mapping => mapping.start <= start && start < mapping.end)?.name || 'anonymous',
      address: start,
      sample: sampleOf(memory, textStart, Math.max(textEnd, end)),
    }));
}

/** Whether a piece is of something that was found; if so at another place within words, those are counted in. */
function isOf(found: Found, piece: Piece, memory: ProcessMemory): boolean {
  if (found.start <= piece.first && piece.first < found.end) return true;
  const at = found.content.indexOf(readOf(memory, piece.first, piece.bytes));
  if (at < 0) return false;
  const phase = (piece.first - at) & 3;
  if (!found.phases.has(phase)) {
    found.phases.add(phase);
    found.count += piece.count;
    found.bytes += piece.count * found.content.length;
  }
  return true;
}

function extended(piece: Piece, place: Place): { start: number; end: number } {
  const { first, second, last, bytes } = piece;
  // One cannot be longer than it is far to the next.
  const most = Math.max(0, Math.min(LOOK_BYTES, Math.abs(second - first) - bytes));
  const others = [second, last].filter(address => address !== first);
  const after = Math.min(
    ...others.map(other => sameForward(place.memory, first + bytes, other + bytes, most)),
    most,
  );
  const before = Math.min(
    ...others.map(other => sameBackward(place, first, other, most - after)),
    most - after,
  );
  return { start: first - before, end: first + bytes + after };
}

/** Bytes from two addresses on that are the same, up to the first NUL. */
function sameForward(memory: ProcessMemory, one: number, other: number, most: number): number {
  const [left, right] = [readOf(memory, one, most), readOf(memory, other, most)];
  let same = 0;
  while (same < left.length && same < right.length && left[same] === right[same] && left[same] !== 0)
    same += 1;
  return same;
}

function sameBackward(place: Place, one: number, other: number, most: number): number {
  const left = readBefore(place, one, most);
  const right = readBefore(place, other, most);
  let same = 0;
  while (same < left.length && same < right.length) {
    const byte = left[left.length - 1 - same];
    if (byte !== right[right.length - 1 - same] || byte === 0) break;
    same += 1;
  }
  return same;
}

function textAround(start: number, end: number, place: Place): { start: number; end: number } {
  const inside = readOf(place.memory, start, end - start);
  let lead = 0;
  while (lead < inside.length && !isText(inside[lead]!)) lead += 1;
  // Mostly not text: it stands for itself.
  if (lead > 16) return { start, end };
  const before = readBefore(place, start + lead, lead > 0 ? 0 : LOOK_BYTES);
  let back = 0;
  while (back < before.length && isText(before[before.length - 1 - back]!)) back += 1;
  const after = readOf(place.memory, end, LOOK_BYTES);
  let on = 0;
  while (on < after.length && isText(after[on]!)) on += 1;
  return { start: start + lead - back, end: end + on };
}

function sampleOf(memory: ProcessMemory, start: number, end: number): string {
  const bytes = readOf(memory, start, Math.min(SAMPLE_BYTES, end - start));
  const text = bytes.toString('utf8');
  return text.includes('\ufffd')
    ? bytes.toString('latin1').replace(NOT_SHOWN, escaped)
    : text.replace(NOT_SHOWN, escaped);
}

const NOT_SHOWN = /[^\n\t\x20-\x7e\u00a1-\uffff]/g;
const escaped = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;

/** Printable ASCII, white space, and bytes of UTF-8 beyond ASCII. */
const isText = (byte: number): boolean =>
  (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x09 || byte === 0x0d || byte >= 0x80;

function readOf(memory: ProcessMemory, address: number, bytes: number): Buffer {
  const into = Buffer.alloc(Math.max(0, bytes));
  return into.subarray(0, memory.read(address, into));
}

/** Up to so many bytes before an address: fewer where its mapping begins sooner. */
function readBefore({ memory, mappings }: Place, address: number, bytes: number): Buffer {
  const mapping = mappings.find(({ start, end }) => start < address && address <= end);
  const most = Math.min(bytes, address - (mapping?.start ?? address));
  return readOf(memory, address - most, most);
}
