/** What the console works out by itself, without a browser: axes with folded gaps, diffs, forms, commands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CommitView } from '../../src/api/commit.ts';
import type { FleetMapView } from '../../src/api/host.ts';
import { shellWord } from '../../web/src/parts/command/shell-word.ts';
import { exactLength } from '../../web/src/parts/time/length.ts';
import { valueText } from '../../web/src/parts/value-text.ts';
import { faultsByName, readForm } from '../../web/src/screens/create/read-form.ts';
import { runCommand } from '../../web/src/screens/create/run-command.ts';
import { changesOf } from '../../web/src/screens/message/ledger/changes.ts';
import { axisOf, placeOn } from '../../web/src/screens/message/timeline/scale.ts';
import { readEdits } from '../../web/src/screens/message/verbs/edits.ts';
import { cellAt, cellBeside, cornerOf, layOut } from '../../web/src/screens/overview/heat-layout.ts';
import { rateText, roundMost, runsOf, sizeText } from '../../web/src/screens/vm/use/use-points.ts';

const spans = fc.array(
  fc.record({ from: fc.integer({ min: 0, max: 10_000_000 }), length: fc.integer({ min: 0, max: 100_000 }) }),
  { minLength: 1, maxLength: 40 },
);

test('an axis covers everything from 0 to 1 without a hole, keeps the order of time, and folds only idle time', () => {
  fc.assert(
    fc.property(spans, drawn => {
      const given = drawn.map(({ from, length }) => ({ from, to: from + length }));
      const axis = axisOf(given);
      assert.equal(axis[0]!.left, 0);
      assert.ok(Math.abs(axis.at(-1)!.right - 1) < 1e-9);
      for (const [index, piece] of axis.entries()) {
        const next = axis[index + 1];
        if (next !== undefined) assert.deepEqual([next.from, next.left], [piece.to, piece.right]);
        if (piece.gap) for (const { from, to } of given) assert.ok(to <= piece.from || from >= piece.to);
      }
      const moments = given.flatMap(({ from, to }) => [from, to]).sort((a, b) => a - b);
      const places = moments.map(moment => placeOn(axis, moment));
      for (const [index, place] of places.entries())
        assert.ok(index === 0 || place >= places[index - 1]! - 1e-9);
    }),
  );
});

test('a night of waiting takes a twentieth of the axis', () => {
  const axis = axisOf([
    { from: 0, to: 1000 },
    { from: 30_000_000, to: 30_001_000 },
  ]);
  assert.deepEqual(
    axis.map(({ gap, left, right }) => [gap, Math.round((right - left) * 100)]),
    [
      [false, 48],
      [true, 5],
      [false, 48],
    ],
  );
});

test('changes have the value from before, when the history tells it', () => {
  const commit = (id: string, set?: object, unset?: string[]) =>
    ({ id, ...(set && { set }), ...(unset && { unset }) }) as CommitView;
  const changes = changesOf([
    commit('c', undefined, ['a', 'x']),
    commit('b', { a: 2 }),
    commit('a', { a: 1, b: [] }),
  ]);
  assert.deepEqual(changes.get('a'), [
    { name: 'a', after: 1 },
    { name: 'b', after: [] },
  ]);
  assert.deepEqual(changes.get('b'), [{ name: 'a', before: 1, after: 2 }]);
  assert.deepEqual(changes.get('c'), [{ name: 'a', before: 2 }, { name: 'x' }]);
});

test('a form gives what differs from the defaults, and finds what a person can see', () => {
  const schemas = {
    name: { type: 'string', minLength: 2, pattern: '^[a-z]+$' },
    count: { type: 'integer', minimum: 1, default: 3 },
    names: { type: 'array', items: { type: 'string' }, minItems: 2 },
    more: { type: 'object', default: {} },
    key: { type: 'string', secret: true },
  } as const;
  const required = ['name', 'names', 'key'];
  const read = (texts: Record<string, string>) => readForm(schemas, required, texts);
  assert.deepEqual(Object.keys(read({}).faults), ['name', 'names', 'key']);
  const right = read({ name: 'ab', names: ' a \n\nb', key: 's', count: '3' });
  assert.deepEqual(right, { parameters: { name: 'ab', names: ['a', 'b'], key: 's' }, faults: {} });
  const wrong = read({ name: 'A', names: 'a', key: 's', count: '0', more: '{' });
  assert.deepEqual(
    Object.entries(wrong.faults).map(([name, { word }]) => `${name} ${word}`),
    ['name fault.short', 'count fault.least', 'names fault.leastItems', 'more fault.json'],
  );
  assert.equal(read({ name: 'ab', names: 'a\nb', key: 's', count: '1.5' }).faults.count?.word, 'fault.whole');
  // A secret is in no command.
  assert.equal(
    runCommand('f', schemas, right.parameters),
    `coax run f name=ab 'names=["a","b"]' key=@FILE --wait`,
  );
});

test('the faults of the server come to their fields', () => {
  const faults = faultsByName([
    { where: '/parameters/cpu', reason: 'must be at least 1' },
    { where: '/parameters/a~1b/0', reason: 'no' },
    { where: '/flow', reason: 'none' },
  ]);
  assert.deepEqual(
    [...faults],
    [
      ['cpu', 'must be at least 1'],
      ['a/b', '/0: no'],
    ],
  );
});

test('edits are text where text was, else JSON', () => {
  const known = { name: 'a', cpu: 1, key: { $secret: { data: 'x' } } };
  const read = (name: string, text: string) => readEdits([{ name, text }], known);
  assert.deepEqual(read('name', '7').parameters, { name: '7' });
  assert.deepEqual(read('cpu', '7').parameters, { cpu: 7 });
  assert.equal(read('cpu', 'many').wrong, 'cpu');
  assert.deepEqual(read('key', '7').parameters, { key: '7' });
  assert.deepEqual(read('new', 'many').parameters, { new: 'many' });
});

test('a secret is shown nowhere', () => {
  const value = { user: 'a', key: { $secret: { data: 'cipher' } } };
  assert.equal(valueText(value), '{"user":"a","key":"••••••"}');
  assert.equal(valueText(value.key), '"••••••"');
});

test('a word is quoted so that a shell gives it back', () => {
  assert.equal(shellWord('a=1'), 'a=1');
  assert.equal(shellWord("it's $HOME"), `'it'\\''s $HOME'`);
  assert.equal(shellWord(''), `''`);
});

test('lengths of time are short and exact', () => {
  assert.deepEqual([7, 1250, 65_000, 7_800_000, 200_000_000].map(exactLength), [
    '7 ms',
    '1.25 s',
    '1 min 05 s',
    '2 h 10 min',
    '2 d 7 h',
  ]);
});

test('each host has its cell on the map, in order within its group, and the arrows lead to those beside', () => {
  const zones = ['b', 'a10', 'a9'];
  const name = Array.from({ length: 25 }, (_, host) => `h${host}`);
  const map = { zones, zone: name.map((_, host) => host % 3), rack: name.map(() => 0), racks: [''], name };
  const layout = layOut(map as unknown as FleetMapView, 'zone', 120);
  assert.deepEqual(
    layout.groups.map(group => [group.name, group.to - group.from]),
    [
      ['a9', 8],
      ['a10', 8],
      ['b', 9],
    ],
  );
  assert.deepEqual([...layout.order].slice(0, 3), [2, 5, 8]);
  for (let cell = 0; cell < 25; cell++) {
    const { x, y } = cornerOf(layout, cell);
    assert.equal(cellAt(layout, x + 1, y + 1), cell);
  }
  assert.equal(cellAt(layout, 0, 0), null, 'a name of a group is no host');
  const walk = (from: number, ...keys: string[]) =>
    keys.reduce((at, key) => cellBeside(layout, at, key)!, from);
  assert.equal(walk(0, 'ArrowRight', 'ArrowDown', 'ArrowUp', 'ArrowLeft'), 0);
  assert.equal(walk(0, 'End', 'ArrowRight'), 24);
  assert.equal(layout.order[walk(0, 'ArrowDown', 'ArrowDown')], 1, 'into the next group');
  assert.equal(cellBeside(layout, 3, 'x'), null);
});

test('a chart of use has gaps where nothing was told, and a round top', () => {
  const at = (seconds: number, pssBytes: number | null) => ({
    at: new Date(1_700_000_000_000 + 1000 * seconds).toISOString(),
    seconds: 30,
    cpuPercent: 1,
    rssBytes: 1,
    pssBytes,
    readBytesPerSecond: null,
    writeBytesPerSecond: null,
    ioDelayPercent: null,
  });
  const points = [at(0, 1), at(30, 2), at(60, null), at(90, 3), at(120, 4), at(300, 5)];
  const values = runsOf(points, point => point.pssBytes).map(run => run.map(({ value }) => value));
  assert.deepEqual(values, [[1, 2], [3, 4], [5]]);
  assert.deepEqual(
    runsOf(points, point => point.ioDelayPercent),
    [],
  );
  assert.deepEqual(
    [0, 0.4, 11, 20, 21, 99, 400].map(most => roundMost(most, false)),
    [10, 10, 20, 20, 50, 100, 500],
  );
  assert.deepEqual(
    [0, 5000, 2 ** 20].map(most => roundMost(most, true)),
    [1024, 8192, 2 ** 20],
  );
  assert.deepEqual([0, 1, 1536, 250 * 2 ** 20].map(sizeText), ['0 B', '1 B', '1.5 KiB', '250 MiB']);
  assert.equal(rateText(2 ** 21), '2.0 MiB/s');
});
