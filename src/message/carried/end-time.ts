const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const LENGTH = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;
const PIECE = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The last moment that a date can tell (ECMA-262, 21.4.1.1). */
const LAST = 8_640_000_000_000_000;

/**
 * The moment that a text names, in milliseconds since 1970: a time as in RFC 3339 (`2026-12-01T08:00:00Z`), or a length of time from
 * `now` on (`2h`, `1h30m`, `7d`). Null when it is neither.
 */
export function endTime(text: string, now: number): number | null {
  const at = RFC_3339.test(text) ? Date.parse(text) : now + lengthOf(text);
  return Number.isFinite(at) && at <= LAST ? Math.round(at) : null;
}

function lengthOf(text: string): number {
  if (!LENGTH.test(text)) return Number.NaN;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(PIECE)) ms += Number(count) * UNITS[unit!]!;
  return ms;
}
