import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endTime } from './end-time.ts';

const NOW = Date.UTC(2026, 10, 27, 12);

test('a moment is a time of RFC 3339 or a length from now on', () => {
  const hour = 3_600_000;
  const cases: [string, number | null][] = [
    ['2h', NOW + 2 * hour],
    ['1h30m', NOW + 1.5 * hour],
    ['7d', NOW + 7 * 24 * hour],
    ['2026-12-01T08:00:00Z', Date.UTC(2026, 11, 1, 8)],
    ['2026-12-01T08:00:00.5+02:00', Date.UTC(2026, 11, 1, 6) + 500],
    ['2026-12-01', null],
    ['2026-13-01T08:00:00Z', null],
    ['tomorrow', null],
    ['2', null],
    ['2 h', null],
    ['-2h', null],
    ['99999999999999d', null],
    ['', null],
  ];
  for (const [text, at] of cases) assert.equal(endTime(text, NOW), at, text);
});
