import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCoaxError } from '../errors/coax-error.ts';
import { canonical } from './canonical.ts';
import { jsonFault } from './json-fault.ts';
import { JSON_DEPTH_MAX, PARAMETERS_BYTES_MAX } from './limits.ts';
import { validateParameters, validatePlan } from './validate.ts';

function refused(work: () => unknown, where: string | undefined, reason: RegExp): void {
  assert.throws(work, (error: unknown) => {
    assert.ok(isCoaxError(error), String(error));
    assert.match(error.reason, reason);
    assert.equal(error.where, where);
    assert.ok(error.hint.length > 0);
    return true;
  });
}

const nested = (depth: number, open: string, close: string, inner: string): unknown =>
  JSON.parse(open.repeat(depth) + inner + close.repeat(depth));

test('10 MiB of parameters are refused', () => {
  refused(() => validateParameters({ big: 'x'.repeat(10 * 1024 * 1024) }), undefined, /more than 1048576/);
  refused(
    () => validateParameters({ big: Array.from({ length: 1_000_000 }, () => 1234567) }),
    undefined,
    /more than/,
  );
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`p${i}`, i]));
  refused(() => validateParameters(many), undefined, /more than 1000 parameters/);
});

test('the limit is counted in bytes of canonical JSON, exactly', () => {
  const room = PARAMETERS_BYTES_MAX - '{"a":""}'.length;
  assert.ok(validateParameters({ a: 'x'.repeat(room) }));
  refused(() => validateParameters({ a: 'x'.repeat(room + 1) }), undefined, /take 1048577 bytes/);
  assert.ok(validateParameters({ a: 'é'.repeat(room / 2) }));
  refused(() => validateParameters({ a: '€'.repeat(room / 2) }), undefined, /bytes/);
  refused(() => validateParameters({ a: '\u0000'.repeat(room / 4) }), undefined, /bytes/);
});

test('nesting of any depth ends in a refusal, never in an exhausted stack', () => {
  const pointer = '/a'.repeat(JSON_DEPTH_MAX);
  refused(() => validateParameters(nested(100_000, '{"a":', '}', '1')), pointer, /deeper than 32/);
  refused(
    () => validateParameters({ a: nested(1_000_000, '[', ']', '') }),
    `/a${'/0'.repeat(31)}`,
    /deeper than 32/,
  );
  assert.ok(validateParameters(nested(JSON_DEPTH_MAX, '{"a":', '}', '1')));
  refused(() => validatePlan(nested(1_000_000, '[', ']', '')), '/0'.repeat(40), /deeper/);
  const cycle: Record<string, unknown> = {};
  cycle.a = cycle;
  refused(() => validateParameters(cycle), pointer, /deeper/);
});

test('names that could reach a prototype, a path or a terminal are refused', () => {
  refused(
    () => validateParameters(JSON.parse('{"__proto__": {"admin": true}}')),
    '/__proto__',
    /cannot name/,
  );
  refused(() => validateParameters(JSON.parse('{"constructor": 1}')), '/constructor', /cannot name/);
  refused(() => validateParameters({ prototype: 1 }), '/prototype', /cannot name/);
  refused(() => validateParameters({ '../../etc/passwd': 1 }), '/..~1..~1etc~1passwd', /cannot name/);
  refused(() => validateParameters({ 'a\u0000b': 1 }), '/a\u0000b', /cannot name/);
  refused(() => validateParameters({ '\u001b[2J': 1 }), '/\u001b[2J', /cannot name/);
  refused(() => validateParameters({ '': 1 }), '/', /cannot name/);
  refused(() => validateParameters({ '\ud800': 1 }), '/\ufffd', /cannot name/);
  refused(() => validateParameters({ ['x'.repeat(129)]: 1 }), `/${'x'.repeat(129)}`, /cannot name/);
  assert.equal(({} as { admin?: boolean }).admin, undefined);
});

test('inside a value, __proto__ is refused and other names are kept', () => {
  refused(
    () => validateParameters(JSON.parse('{"a": {"__proto__": {"admin": true}}}')),
    '/a/__proto__',
    /__proto__/,
  );
  const kept = JSON.parse('{"a": {"constructor": 1, "../x": 2, "": 3, "a/b~c": "\\u0000\\u001b"}}');
  assert.deepEqual(validateParameters(kept), kept);
});

test('text that is not Unicode is refused, control characters are kept', () => {
  refused(() => validateParameters(JSON.parse('{"a": ["ok", "\\ud800"]}')), '/a/1', /lone surrogate/);
  refused(() => validateParameters(JSON.parse('{"a": {"\\udc00": 1}}')), '/a/\ufffd', /lone surrogate/);
  const kept = { a: '\u0000\u0007\u001b[31m\u007f\u2028\r\n', b: '😀' };
  assert.equal(validateParameters(kept), kept);
});

test('numbers that JSON cannot keep are refused, others come through as they are', () => {
  refused(() => validateParameters({ a: Number.NaN }), '/a', /NaN/);
  refused(() => validateParameters({ a: [-Infinity] }), '/a/0', /-Infinity/);
  refused(() => validateParameters(JSON.parse('{"a": 9007199254740993}')), '/a', /beyond 2\^53/);
  refused(() => validateParameters(JSON.parse('{"a": -9007199254740993}')), '/a', /beyond 2\^53/);
  refused(() => validateParameters(JSON.parse('{"a": 1e400}')), '/a', /Infinity/);
  const kept = { a: -5, b: 1e300, c: 2 ** 53 - 1, d: 5e-324, e: -0 };
  assert.equal(validateParameters(kept), kept);
});

test('what is not JSON at all is refused', () => {
  for (const given of [null, undefined, [], 'text', 5, true])
    refused(() => validateParameters(given), '/', /not a JSON object/);
  refused(() => validateParameters({ a: () => 1 }), '/a', /function/);
  refused(() => validateParameters({ a: 1n }), '/a', /bigint/);
  refused(() => validateParameters({ a: new Map() }), '/a', /Map/);
});

test('property: all JSON within the limits is accepted and has a canonical form; a planted fault is found where it is', () => {
  const name = fc
    .stringMatching(/^[a-z][a-z0-9_]{0,9}$/)
    .filter(n => n !== 'constructor' && n !== 'prototype');
  const value = fc.jsonValue({ maxDepth: 6 }).filter(v => jsonFault(v) === null);
  fc.assert(
    fc.property(
      fc.dictionary(name, value),
      name,
      fc.integer({ min: 0, max: 20 }),
      (parameters, key, depth) => {
        assert.equal(validateParameters(parameters), parameters);
        assert.deepEqual(JSON.parse(canonical(parameters)), JSON.parse(JSON.stringify(parameters)));
        let planted: unknown = Number.NaN;
        for (let i = 0; i < depth; i++) planted = i % 2 === 0 ? [0, planted] : { ok: 1, [`~${i}/`]: planted };
        let where = `/${key}`;
        for (let i = depth - 1; i >= 0; i--) where += i % 2 === 0 ? '/1' : `/~0${i}~1`;
        const rest = Object.fromEntries(Object.entries(parameters).filter(([other]) => other !== key));
        refused(() => validateParameters({ ...rest, [key]: planted }), where, /NaN/);
      },
    ),
  );
});

test('a plan gets its defaults', () => {
  const plan = validatePlan({
    steps: [
      { module: 'network', action: 'alloc_ip' },
      { all: [{ steps: [{ module: 'a', action: 'b', at: 'host', timeoutMs: 5 }] }] },
      { each: 'names', steps: [{ module: 'a', action: 'b', retry: { attempts: 9 } }] },
    ],
  });
  const retry = { attempts: 3, backoffMs: 500, factor: 2, backoffMaxMs: 30_000, terminal: [] };
  assert.deepEqual(plan.steps, [
    { module: 'network', action: 'alloc_ip', timeoutMs: 60_000, retry },
    { all: [{ steps: [{ module: 'a', action: 'b', at: 'host', timeoutMs: 5, retry }] }] },
    {
      each: 'names',
      as: 'item',
      limit: 16,
      steps: [{ module: 'a', action: 'b', timeoutMs: 60_000, retry: { ...retry, attempts: 9 } }],
    },
  ]);
});

test('a plan that cannot be is refused at its place', () => {
  const step = { module: 'a', action: 'b' };
  refused(() => validatePlan({}), '/steps', /array/);
  refused(() => validatePlan({ steps: [] }), '/steps', />=1/);
  refused(() => validatePlan({ steps: [step, 'a b'] }), '/steps/1', /is an object/);
  refused(() => validatePlan({ steps: [{ module: '../a', action: 'b' }] }), '/steps/0/module', /name/);
  refused(() => validatePlan({ steps: [{ ...step, when: 1 }] }), '/steps/0', /when/);
  refused(
    () => validatePlan({ steps: [{ all: [{ steps: [{ ...step, timeoutMs: -1 }] }] }] }),
    '/steps/0/all/0/steps/0/timeoutMs',
    />=1/,
  );
  refused(() => validatePlan({ steps: [{ each: 'x', limit: 0, steps: [step] }] }), '/steps/0/limit', />=1/);
  refused(() => validatePlan({ steps: [{ ...step, code: 'zz' }] }), '/steps/0/code', /64 hex/);
  refused(() => validatePlan({ steps: Array.from({ length: 1001 }, () => step) }), '/steps', /<=1000/);
  const wide = { all: Array.from({ length: 600 }, () => ({ steps: [step] })) };
  refused(() => validatePlan({ steps: [wide, wide] }), undefined, /more than 1000 steps/);
  let deep: unknown = step;
  for (let i = 0; i < 8; i++) deep = { all: [{ steps: [deep] }] };
  assert.ok(validatePlan({ steps: [deep] }));
  refused(() => validatePlan({ steps: [{ all: [{ steps: [deep] }] }] }), '/steps', /nested deeper than 8/);
});
