/** A stretch of time, in milliseconds since 1970. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A piece of the axis, from `left` to `right` in parts of its whole length. A gap is drawn short, however long it was. */
export interface Piece extends Span {
  readonly gap: boolean;
  readonly left: number;
  readonly right: number;
}

/** A gap takes this much of the axis; all gaps together at most half of it. */
const GAP_PART = 0.05;
const GAPS_PART_MAX = 0.5;
/** Idle time is folded when it is longer than this part of all the time in which something went on. */
const FOLD_PART = 0.2;
const FOLD_LEAST_MS = 50;

/**
 * The axis of a timeline: where nothing went on for long, it is folded, so that what did go on can be seen. Pieces follow one
 * another without a hole from the first moment to the last.
 */
export function axisOf(spans: readonly Span[]): Piece[] {
  const busy = mergedSpans(spans);
  if (busy.length === 0) return [];
  const work = busy.reduce((sum, { from, to }) => sum + Math.max(1, to - from), 0);
  const foldMs = Math.max(FOLD_LEAST_MS, work * FOLD_PART);
  const pieces: (Span & { gap: boolean })[] = [];
  for (const span of busy) {
    const last = pieces.at(-1);
    if (last !== undefined && span.from - last.to <= foldMs) {
      pieces[pieces.length - 1] = { from: last.from, to: span.to, gap: false };
      continue;
    }
    if (last !== undefined) pieces.push({ from: last.to, to: span.from, gap: true });
    pieces.push({ ...span, gap: false });
  }
  return placed(pieces);
}

function placed(pieces: readonly (Span & { gap: boolean })[]): Piece[] {
  const gaps = pieces.filter(({ gap }) => gap).length;
  const gapPart = gaps === 0 ? 0 : Math.min(GAP_PART, GAPS_PART_MAX / gaps);
  const lengthOf = ({ from, to }: Span): number => Math.max(1, to - from);
  const shown = pieces.filter(({ gap }) => !gap).reduce((sum, piece) => sum + lengthOf(piece), 0);
  const rest = 1 - gapPart * gaps;
  let left = 0;
  return pieces.map(piece => {
    const right = left + (piece.gap ? gapPart : (lengthOf(piece) / shown) * rest);
    const here = { ...piece, left, right };
    left = right;
    return here;
  });
}

/** Spans that touch, as one; in the order of time. */
function mergedSpans(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || span.from > last.to) merged.push({ ...span });
    else if (span.to > last.to) merged[merged.length - 1] = { from: last.from, to: span.to };
  }
  return merged;
}

/** Where a moment lies on the axis, in parts of its length. */
export function placeOn(axis: readonly Piece[], moment: number): number {
  const piece = axis.find(({ to }) => moment <= to) ?? axis.at(-1);
  if (piece === undefined) return 0;
  const part = piece.to === piece.from ? 0 : (moment - piece.from) / (piece.to - piece.from);
  return piece.left + Math.min(1, Math.max(0, part)) * (piece.right - piece.left);
}
