import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCoaxError } from '../errors/coax-error.ts';
import type { Json, Parameters } from '../message/message.ts';
import { checkParameters, exampleOf } from './check-parameters.ts';
import { coerceParameters } from './coerce-parameters.ts';
import { defineFlow } from './define-flow.ts';
import type { FlowDefinition, ParameterSchema } from './flow.ts';

const flowOf = (parameters: Record<string, ParameterSchema>): FlowDefinition =>
  defineFlow({ name: 'f', parameters, steps: ['a b'] });

function faultsOf(work: () => unknown): Record<string, string> {
  try {
    work();
  } catch (error) {
    assert.ok(isCoaxError(error, 'COAX_PARAMETERS_INVALID'), String(error));
    assert.match(error.hint, /coax run f/);
    return Object.fromEntries(error.faults.map(({ where, reason }) => [where, reason]));
  }
  return {};
}

test('each keyword of a schema', () => {
  const cases: [ParameterSchema, Json[], [Json, RegExp][]][] = [
    [
      { type: 'integer', minimum: 1, maximum: 5 },
      [1, 5, 2.0],
      [
        [0, /at least 1/],
        [6, /at most 5/],
        [1.5, /whole number/],
        ['1', /number/],
        [null, /number/],
      ],
    ],
    [
      { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
      [0.5],
      [
        [0, /more than 0/],
        [1, /less than 1/],
      ],
    ],
    [{ type: 'number', multipleOf: 0.1 }, [0.3], [[0.35, /multiple of 0.1/]]],
    [{ type: 'integer', multipleOf: 256 }, [512, 0, -256], [[100, /multiple of 256/]]],
    [
      { type: 'string', minLength: 2, maxLength: 3 },
      ['ab', '😀😀'],
      [
        ['a', /at least 2 characters/],
        ['😀', /at least 2/],
        ['abcd', /at most 3/],
      ],
    ],
    [
      { type: 'string', pattern: '^\\p{L}+$' },
      ['é'],
      [
        ['1', /must match/],
        ['a'.repeat(5000), /longer than 4096/],
      ],
    ],
    [{ type: 'string', pattern: 'b' }, ['abc'], [['ac', /must match/]]],
    [
      { type: 'string', format: 'ipv4' },
      ['10.0.0.1'],
      [
        ['10.0.0.256', /IPv4/],
        ['01.2.3.4', /IPv4/],
        [5, /text/],
      ],
    ],
    [{ type: 'string', format: 'uuid' }, ['00000000-0000-0000-0000-000000000001'], [['x', /UUID/]]],
    [
      { type: 'string', format: 'hostname' },
      ['web-1.rack'],
      [
        ['-a', /host name/],
        ['a_b', /host name/],
        ['../x', /host name/],
        ['', /host name/],
      ],
    ],
    [
      { type: 'string', format: 'date-time' },
      ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00+01:00'],
      [
        ['2026-13-01T00:00:00Z', /date and time/],
        ['2026-01-01', /date and time/],
      ],
    ],
    [{ type: 'string', format: 'cidr' }, ['10.0.0.0/24'], [['10.0.0.0/33', /network/]]],
    [{ type: 'string', format: 'mac' }, ['52:54:00:12:34:56'], [['52:54', /MAC/]]],
    [
      { type: 'boolean' },
      [true, false],
      [
        ['true', /boolean/],
        [1, /boolean/],
      ],
    ],
    [
      { enum: ['small', 'large', 3, null] },
      ['small', 3, null],
      [
        ['medium', /one of "small", "large", 3, null/],
        [{}, /one of/],
      ],
    ],
    [{ const: 'x' }, ['x'], [['y', /must be "x"/]]],
    [
      { type: ['string', 'null'], minLength: 2 },
      [null, 'ab'],
      [
        ['a', /at least 2/],
        [5, /text or null/],
      ],
    ],
    [
      { type: ['integer', 'string'], minimum: 3 },
      ['x', 3],
      [
        [2, /at least 3/],
        [true, /number or text/],
      ],
    ],
    [
      { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 },
      [[1], [1, 2]],
      [
        [[], /at least 1 items/],
        [[1, 2, 3], /at most 2 items/],
        ['x', /list/],
      ],
    ],
    [{ type: 'array', minItems: 1 }, [['anything', {}]], [[[], /at least 1/]]],
    [
      { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] },
      [{ a: 1 }, { a: 1, other: [] }],
      [
        [[], /object/],
        [null, /object/],
      ],
    ],
  ];
  for (const [schema, good, bad] of cases) {
    const flow = flowOf({ p: schema });
    for (const value of good)
      assert.deepEqual(checkParameters(flow, { p: value }), { p: value }, JSON.stringify([schema, value]));
    for (const [value, reason] of bad)
      assert.match(
        faultsOf(() => checkParameters(flow, { p: value }))['/p'] ?? 'accepted',
        reason,
        JSON.stringify([schema, value]),
      );
  }
});

test('faults lie at their JSON pointers, all at once', () => {
  const flow = flowOf({
    cpu: { type: 'integer' },
    mem: { type: 'integer' },
    disks: {
      type: 'array',
      items: { type: 'object', properties: { 'a/b': { type: 'integer' } }, required: ['a/b'] },
    },
  });
  const faults = faultsOf(() =>
    checkParameters(flow, { cpu: 'x', men: 1, disks: [{ 'a/b': 1 }, { 'a/b': 'x' }, {}] }),
  );
  assert.deepEqual(faults, {
    '/cpu': 'must be a number',
    '/mem': 'is required',
    '/men': 'f has no parameter "men"; did you mean "mem"?',
    '/disks/1/a~1b': 'must be a number',
    '/disks/2/a~1b': 'is required',
  });
});

test('defaults are filled in, values come through as they are', () => {
  const flow = flowOf({ cpu: { type: 'integer', default: 2 }, labels: { type: 'object', default: {} } });
  assert.deepEqual(checkParameters(flow, {}), { cpu: 2, labels: {} });
  const labels = { constructor: 'x', a: { b: [1] } };
  assert.equal(checkParameters(flow, { labels }).labels, labels);
});

test('what no message may hold is refused before the schema is asked', () => {
  const flow = flowOf({ a: { type: 'array' } });
  const codeOf = (given: unknown): string => {
    try {
      checkParameters(flow, given);
    } catch (error) {
      if (isCoaxError(error)) return `${error.code} ${error.where}`;
    }
    return 'accepted';
  };
  assert.equal(codeOf(JSON.parse('{"__proto__": []}')), 'COAX_MESSAGE_INVALID /__proto__');
  assert.equal(
    codeOf({ a: JSON.parse('['.repeat(1e5) + ']'.repeat(1e5)) }),
    `COAX_MESSAGE_INVALID /a${'/0'.repeat(31)}`,
  );
  assert.equal(codeOf({ a: ['x'.repeat(2 ** 21)] }), 'COAX_MESSAGE_TOO_LARGE undefined');
  assert.equal(codeOf('text'), 'COAX_MESSAGE_INVALID /');
});

test('100,000 submits are checked in well under a second of a slow machine', () => {
  const flow = flowOf({
    cpu: { type: 'integer', minimum: 1 },
    mem: { type: 'integer', minimum: 64 },
    name: { type: 'string', pattern: '^[a-z0-9-]+$' },
  });
  const before = process.cpuUsage();
  for (let i = 0; i < 100_000; i++) checkParameters(flow, { cpu: 1 + (i % 8), mem: 4096, name: 'web-1' });
  const { user } = process.cpuUsage(before);
  // About 0.1 s; the limit only tells a schema compiled once from one compiled for each.
  assert.ok(user < 3e6, `${user} µs`);
});

test('text from a shell becomes values of the right type', () => {
  const flow = flowOf({
    n: { type: 'integer' },
    x: { type: 'number' },
    b: { type: 'boolean' },
    s: { type: 'string' },
    names: { type: 'array', items: { type: 'string' } },
    ids: { type: 'array', items: { type: 'integer' } },
    o: { type: 'object' },
    size: { enum: ['small', 3] },
    maybe: { type: ['string', 'integer', 'null'] },
  });
  const cases: [string, string, Json][] = [
    ['n', '2', 2],
    ['n', '-5', -5],
    ['x', '1e3', 1000],
    ['b', 'true', true],
    ['s', '5', '5'],
    ['s', 'true', 'true'],
    ['names', 'a,b', ['a', 'b']],
    ['names', '', []],
    ['names', '["a,b"]', ['a,b']],
    ['ids', '1, 2', [1, 2]],
    ['o', '{"a": 1}', { a: 1 }],
    ['size', '3', 3],
    ['size', 'small', 'small'],
    ['size', 'other', 'other'],
    ['maybe', 'null', null],
    ['maybe', '7', 7],
    ['maybe', 'x', 'x'],
  ];
  for (const [name, text, value] of cases)
    assert.deepEqual(coerceParameters(flow, { [name]: text }), { [name]: value }, `${name}=${text}`);
  const unfit = { n: 'two', x: '0x10', b: 'yes', ids: '1,a', o: 'a' };
  assert.deepEqual(Object.keys(faultsOf(() => coerceParameters(flow, unfit))), [
    '/n',
    '/x',
    '/b',
    '/ids',
    '/o',
  ]);
  assert.match(faultsOf(() => coerceParameters(flow, { n: '9007199254740993' }))['/n']!, /below 2\^53/);
  assert.deepEqual(coerceParameters(flow, { other: '5' }), { other: '5' });
});

test('property: what fits survives the way through a shell', () => {
  const flow = flowOf({
    n: { type: 'integer' },
    x: { type: 'number' },
    b: { type: 'boolean' },
    s: { type: 'string' },
    o: { type: 'object' },
  });
  const values = fc.record({
    n: fc.maxSafeInteger(),
    x: fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter(x => !Number.isInteger(x) || Math.abs(x) < 2 ** 53),
    b: fc.boolean(),
    s: fc.string({ unit: 'grapheme' }),
    o: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.integer()),
  });
  fc.assert(
    fc.property(values, given => {
      const texts = Object.fromEntries(
        Object.entries(given).map(([k, v]) => [k, typeof v === 'string' ? v : JSON.stringify(v)]),
      );
      assert.deepEqual(
        JSON.stringify(checkParameters(flow, coerceParameters(flow, texts))),
        JSON.stringify(given),
      );
    }),
  );
});

test('the example in an error is accepted', () => {
  const flow = flowOf({
    cpu: { type: 'integer', minimum: 2 },
    max: { type: 'integer', maximum: 0 },
    ratio: { type: 'number', exclusiveMinimum: 0 },
    host: { type: 'string', format: 'hostname' },
    ip: { type: 'string', format: 'ipv4' },
    size: { enum: ['small', 'large'] },
    name: { type: 'string', minLength: 3 },
    names: { type: 'array', items: { type: 'string' }, minItems: 2 },
    on: { type: 'boolean' },
    when: { type: 'string', format: 'date-time' },
    dir: { type: 'string', pattern: '^/' },
    net: { type: 'string', default: 'lan' },
  });
  const words = exampleOf(flow).split(' ').slice(3);
  const texts = Object.fromEntries(
    words.map(word => word.replaceAll("'", '').split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const parameters: Parameters = checkParameters(flow, coerceParameters(flow, texts));
  assert.equal(parameters.net, 'lan');
});
