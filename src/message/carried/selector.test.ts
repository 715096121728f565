import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCoaxError } from '../../errors/coax-error.ts';
import { validateLabels } from './labels.ts';
import { parseSelector, SELECTOR_LENGTH_MAX, type Selector, selects } from './selector.ts';

test('every form of a condition is read', () => {
  assert.deepEqual(parseSelector('env=prod, tier != x,zone in (a, b),rack notin (r1),gpu,!old,a==b,empty='), [
    { name: 'env', op: 'in', values: ['prod'] },
    { name: 'tier', op: 'notin', values: ['x'] },
    { name: 'zone', op: 'in', values: ['a', 'b'] },
    { name: 'rack', op: 'notin', values: ['r1'] },
    { name: 'gpu', op: 'exists' },
    { name: 'old', op: 'absent' },
    { name: 'a', op: 'in', values: ['b'] },
    { name: 'empty', op: 'in', values: [''] },
  ]);
  assert.deepEqual(parseSelector('  '), []);
  assert.deepEqual(parseSelector('in in (in)'), [{ name: 'in', op: 'in', values: ['in'] }]);
});

test('labels are as a selector says, or not', () => {
  const labels = validateLabels({ env: 'prod', zone: 'a', empty: '' });
  const holds = (text: string) => selects(parseSelector(text), labels);
  for (const text of [
    '',
    'env',
    'env=prod',
    'env!=dev',
    'tier!=x',
    'zone in (b,a)',
    '!tier',
    'empty=',
    'tier notin (x)',
  ])
    assert.ok(holds(text), text);
  for (const text of [
    'tier',
    'env=dev',
    'env!=prod',
    'zone in (b)',
    '!env',
    'zone notin (a)',
    'env,tier',
    'toString',
  ])
    assert.ok(!holds(text), text);
});

test('what is no selector is refused with its place', () => {
  const cases: readonly (readonly [text: string, reason: RegExp])[] = [
    ['=prod', /name of a label was expected at character 1 /],
    ['env=prod,', /name of a label was expected/],
    ['env prod', /=, !=, in or notin was expected/],
    ['env in prod', /\( was expected/],
    ['env in (a', /\) was expected/],
    ['env=a b', /a comma was expected at character 7 /],
    ['__proto__=x', /no name of a label/],
    ['env=prod;drop', /a comma was expected/],
    [`env=${'x'.repeat(129)}`, /no value/],
    [Array(33).fill('a').join(','), /more than 32/],
    [`a in (${Array(65).fill('b').join(',')})`, /more than 64/],
    ['a'.repeat(SELECTOR_LENGTH_MAX + 1), /at most 2000/],
  ];
  for (const [text, reason] of cases) {
    assert.throws(
      () => parseSelector(text),
      error => isCoaxError(error, 'COAX_MESSAGE_INVALID') && reason.test(error.reason),
      text,
    );
  }
});

test('a selector that is written out is read as it was', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,20}$/).filter(text => text !== 'constructor');
  const value = fc.stringMatching(/^[A-Za-z0-9._/:@+-]{0,20}$/);
  const values = fc.array(value, { minLength: 1, maxLength: 5 });
  const term = fc.oneof(
    fc.record(
      { name, op: fc.constantFrom('in' as const, 'notin' as const), values },
      { noNullPrototype: true },
    ),
    fc.record({ name, op: fc.constantFrom('exists' as const, 'absent' as const) }, { noNullPrototype: true }),
  );
  fc.assert(
    fc.property(fc.array(term, { maxLength: 10 }), selector => {
      assert.deepEqual(parseSelector(written(selector)), selector);
    }),
  );
});

function written(selector: Selector): string {
  return selector
    .map(term => {
      if (!('values' in term)) return term.op === 'exists' ? term.name : `!${term.name}`;
      return `${term.name} ${term.op} (${term.values.join(',')})`;
    })
    .join(',');
}

test('no text makes anything but a selector or a refusal, and none takes steps beyond its length', () => {
  const sign = fc.constantFrom('!', '=', ',', '(', ')', ' ', 'in', 'notin', 'a', '\n', '\0', 'é', '💥', '-');
  const text = fc.oneof(
    fc.array(sign, { maxLength: 400 }).map(signs => signs.join('')),
    fc.string(),
  );
  fc.assert(
    fc.property(text, given => {
      try {
        assert.ok(Array.isArray(parseSelector(given)));
      } catch (error) {
        assert.ok(isCoaxError(error, 'COAX_MESSAGE_INVALID'));
      }
    }),
    { numRuns: 2000 },
  );
  // Of a backtracking reader these would take for ever; this one reads each in one walk, and the suite would not end.
  for (const evil of [
    'a'.repeat(1999),
    '!'.repeat(2000),
    `a in (${'('.repeat(1990)}`,
    `${' '.repeat(1999)}=`,
    `a${' '.repeat(1990)}b`,
  ]) {
    for (let i = 0; i < 1000; i++) assert.throws(() => void (parseSelector(evil).length > 0 && fail()));
  }
});

const fail = (): never => {
  throw new Error('that is no selector');
};
