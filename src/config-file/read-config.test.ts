import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { readConfig } from './read-config.ts';

const schema = z.strictObject({
  name: z.string(),
  size: z.int().max(9).default(1),
  parts: z
    .record(z.string(), z.union([z.literal('none'), z.strictObject({ weight: z.number().optional() })]))
    .default({}),
  list: z.array(z.strictObject({ kind: z.string() }).optional()).default([]),
});
const read = (text: string) => readConfig(text, 'a.yaml', schema);
const faultsOf = (text: string) => {
  const result = read(text);
  assert.ok('faults' in result);
  return result.faults.map(({ where, reason }) => `${where} ${reason}`);
};

test('what is well formed is given with its defaults, and where each part stands', () => {
  const config = read('name: x\nparts:\n  a: {weight: 2}\n');
  assert.ok('value' in config);
  assert.deepEqual(config.value, { name: 'x', size: 1, parts: { a: { weight: 2 } }, list: [] });
  assert.equal(config.placeOf(['parts', 'a', 'weight']), 'a.yaml:3:15');
  assert.equal(config.placeOf(['parts', 'b']), 'a.yaml:3:3', 'of what is around it');
  assert.equal(config.placeOf(['size']), 'a.yaml');
});

test('every fault has its line and column, and an unknown key the nearest known one', () => {
  assert.deepEqual(faultsOf('name: x\nsize: 10\nnaem: y\nlist:\n  - {kind: a, kidn: b}\n'), [
    'a.yaml:2:7 size: Too big: expected number to be <=9',
    'a.yaml:5:15 unknown key "list.0.kidn"; did you mean "kind"?',
    'a.yaml:3:1 unknown key "naem"; did you mean "name"?',
  ]);
  assert.deepEqual(faultsOf(''), ['a.yaml `name` is missing']);
  assert.deepEqual(faultsOf('- 1'), ['a.yaml the file: Invalid input: expected object, received array']);
});

test('what is no YAML, says a key twice, or is endless, is refused at its place', () => {
  assert.match(faultsOf('name: x\nname: y')[0]!, /^a\.yaml:2:1 not YAML: Map keys must be unique/);
  assert.match(faultsOf('name: b: c')[0]!, /^a\.yaml:1:\d+ not YAML: /);
  assert.match(faultsOf(`name: ${'x'.repeat(300_000)}`)[0]!, /^a\.yaml the text is longer than 262144/);
  const bombs = Array.from({ length: 9 }, (_, n) => `b${n + 1}: &b${n + 1} [${`*b${n},`.repeat(9)}]`);
  assert.match(faultsOf(`b0: &b0 [x]\n${bombs.join('\n')}`)[0]!, /^a\.yaml not YAML: .*alias/);
  assert.match(faultsOf(`name: ${'['.repeat(100_000)}`)[0]!, /not YAML: /);
});
