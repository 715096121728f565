import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { isCoaxError } from '../../errors/coax-error.ts';
import type { Json } from '../../message/message.ts';
import { lengthOfTime, UsageFault, wholeNumber } from '../verb.ts';
import { parsePairs } from './pairs.ts';
import { type Line, readLines, readParameters } from './parameter-files.ts';
import { shortId } from './refs.ts';

const dir = mkdtempSync(join(tmpdir(), 'coax-input-'));
after(() => rmSync(dir, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};
async function all(lines: AsyncIterable<Line>): Promise<Line[]> {
  const read: Line[] = [];
  for await (const line of lines) read.push(line);
  return read;
}
const usage = (where?: string) => (error: unknown) =>
  isCoaxError(error, 'COAX_USAGE') && (where === undefined || error.where === where);

test('name=value is JSON where it looks like it, else text', () => {
  assert.deepEqual(
    parsePairs([
      'cpu=2',
      'on=true',
      'name=web-3',
      'tags=["a"]',
      'empty=',
      'url=http://x/?a=b',
      'odd={x',
      'v=1.2.3',
    ]),
    { cpu: 2, on: true, name: 'web-3', tags: ['a'], empty: '', url: 'http://x/?a=b', odd: '{x', v: '1.2.3' },
  );
});

test('a parameter that takes text keeps it; := is always JSON', () => {
  assert.deepEqual(
    parsePairs(['name=007', 'n:="7"'], name => name === 'name'),
    { name: '007', n: '7' },
  );
  assert.throws(() => parsePairs(['n:=seven']), usage('n:=seven'));
});

test('=@file is its content, JSON when it is called .json', () => {
  assert.deepEqual(parsePairs([`key=@${file('key.txt', 'a b\n')}`, `v=@${file('v.json', '{"a":1}')}`]), {
    key: 'a b\n',
    v: { a: 1 },
  });
  assert.throws(() => parsePairs([`key=@${dir}/none`]), usage(`key=@${dir}/none`));
});

test('what is not name=value, comes twice or is too large is refused with its place', () => {
  for (const words of [['cpu'], ['=2'], ['a b=2'], ['cpu=2', 'cpu=3'], ['n=9007199254740993']]) {
    assert.throws(() => parsePairs(words), usage(words.at(-1)));
  }
});

test('any JSON value comes back through :=', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const read = parsePairs([`v:=${JSON.stringify(value)}`]).v;
      assert.deepEqual(read, JSON.parse(JSON.stringify(value)) as Json);
    }),
  );
});

test('a name like __proto__ stays a name', () => {
  const parameters = parsePairs(['__proto__=1']);
  assert.deepEqual(Object.keys(parameters), ['__proto__']);
  assert.equal(Object.getPrototypeOf(parameters), Object.prototype);
});

test('parameters from JSON and YAML files', async () => {
  assert.deepEqual(await readParameters(file('p.json', '{"cpu":2}')), { cpu: 2 });
  assert.deepEqual(await readParameters(file('p.yaml', 'cpu: 2\nname: web')), { cpu: 2, name: 'web' });
  await assert.rejects(readParameters(file('p2.json', '[1]')), usage(join(dir, 'p2.json')));
  await assert.rejects(readParameters(join(dir, 'none.json')), usage());
});

test('a bad line is told with its number; empty lines count and are passed over', async () => {
  const good = file('good.jsonl', '{"a":1}\n\n{"a":2}');
  assert.deepEqual(await all(readLines(good)), [
    { number: 1, parameters: { a: 1 } },
    { number: 3, parameters: { a: 2 } },
  ]);
  const bad = file('bad.jsonl', '{"a":1}\n\n{"a"\n');
  await assert.rejects(all(readLines(bad)), usage(`${bad}:3`));
});

test('lengths of time and whole numbers of options', () => {
  assert.deepEqual(
    ['500ms', '30s', '5m', '1h30m', '2', '0.5'].map(lengthOfTime),
    [500, 30_000, 300_000, 5_400_000, 2000, 500],
  );
  for (const text of ['', 'x', '5x', '5m!', '-1']) assert.throws(() => lengthOfTime(text), UsageFault);
  assert.equal(wholeNumber(1)('7'), 7);
  for (const text of ['0', '1.5', '-1', 'x', '']) assert.throws(() => wholeNumber(1)(text), UsageFault);
});

test('a short commit id never looks like a msgid', () => {
  assert.equal(shortId(`9f2c1ab04e${'0'.repeat(54)}`), '9f2c1ab04e');
  assert.equal(shortId(`123456789012a${'0'.repeat(51)}`), '123456789012a');
});
