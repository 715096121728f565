import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { Screen } from '../live/screen.ts';
import { Output } from './output.ts';
import { type ColorChoice, makeStyle, noStyle } from './style.ts';
import { table } from './table.ts';
import { looksLikeJson, plain, truncate, truncateStyled, valueText, widthOf } from './text.ts';
import { age, clock, duration, timeText } from './time.ts';

const columns = [
  { head: 'NAME', cell: (row: { name: string; count: number }) => row.name },
  { head: 'COUNT', right: true, cell: (row: { name: string; count: number }) => String(row.count) },
  { head: 'EMPTY', cell: () => '' },
  { head: 'MORE', wide: true, cell: () => 'more' },
];
const rows = [
  { name: 'a', count: 5 },
  { name: 'long-name', count: 12_345 },
];

test('a table aligns, puts numbers at the right, and leaves empty and wide columns out', () => {
  assert.deepEqual(table(rows, columns, { columns: null, wide: false, style: noStyle }), [
    'NAME       COUNT',
    'a              5',
    'long-name  12345',
  ]);
  assert.match(table(rows, columns, { columns: null, wide: true, style: noStyle })[1] ?? '', /more$/);
});

test('a table is cut to the terminal only when there is one', () => {
  const cut = table(rows, columns, { columns: 12, wide: false, style: noStyle });
  assert.deepEqual(cut, ['NAME       …', 'a          …', 'long-name  …']);
});

test('colours do not disturb the alignment', () => {
  const style = makeStyle(new Writable(), 'always');
  const painted = [{ head: 'X', cell: (row: { name: string }) => style('red', row.name) }, columns[1]!];
  const lines = table(rows, painted, { columns: null, wide: false, style: noStyle });
  assert.deepEqual(lines.map(widthOf), [16, 16, 16]);
});

test('colours: never beats FORCE_COLOR, always beats a pipe', () => {
  const paint = (choice: ColorChoice) => makeStyle(new Writable(), choice)('red', 'x');
  assert.equal(paint('never'), 'x');
  assert.equal(paint('always'), '\u001b[31mx\u001b[39m');
});

test('a cut text is never wider than asked, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 30 }), (text, width) => {
      const clean = plain(text);
      assert.ok(widthOf(truncate(clean, width)) <= width);
      assert.ok(
        widthOf(truncateStyled(`\u001b[31m${clean}\u001b[39m`, Math.max(1, width))) <= Math.max(1, width),
      );
    }),
  );
});

test('text from a step cannot steer the terminal', () => {
  assert.equal(plain('a\u001b[2Jb\rc\u0007\u009b1m'), 'ab\\rc\\u0007');
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      text => !/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/.test(plain(text)),
    ),
  );
});

test('a value is written as it would be typed', () => {
  assert.equal(valueText('web-1'), 'web-1');
  assert.equal(valueText('7'), '"7"');
  assert.equal(valueText(''), '""');
  assert.equal(valueText({ a: [1] }), '{"a":[1]}');
  assert.equal(looksLikeJson('true'), true);
  assert.equal(looksLikeJson('truely'), false);
});

test('lengths and ages read well', () => {
  assert.deepEqual([0, 999, 4200, 59_400, 60_000, 192_000, 5 * 3_600_000, 12 * 86_400_000].map(duration), [
    '0ms',
    '999ms',
    '4.2s',
    '59s',
    '1m',
    '3m12s',
    '5h',
    '12d',
  ]);
  assert.deepEqual(
    [0, 45_000, 185_000, 7_200_000].map(ms => age(0, ms)),
    ['0s', '45s', '3m', '2h'],
  );
  assert.equal(age(1000, 0), '0s');
  assert.equal(clock(4260), '00:04.2');
  assert.equal(clock(3_723_000), '1:02:03');
  assert.equal(timeText('2026-11-23T14:02:07.123Z', 'utc', 0), '2026-11-23T14:02:07Z');
});

test('a terminal that does not know its width cuts nothing', () => {
  const terminal = (columns: number) => Object.assign(new PassThrough(), { isTTY: true, columns });
  const options = { format: 'table', utc: false, color: 'never', quiet: false } as const;
  assert.equal(new Output(options, terminal(0)).columns, null);
  assert.equal(new Output(options, terminal(40)).columns, 40);
  assert.deepEqual(new Screen(terminal(0) as unknown as NodeJS.WriteStream).size, { columns: 80, rows: 24 });
});
