import assert from 'node:assert/strict';
import { test } from 'node:test';
import { traceHeaders, traceOf } from './trace.ts';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

test('a trace is read, and written as it came', () => {
  assert.deepEqual(traceOf(PARENT, undefined), { traceparent: PARENT });
  const whole = { traceparent: PARENT, tracestate: 'a=1,b=2' };
  assert.deepEqual(traceOf(PARENT, 'a=1,b=2'), whole);
  assert.deepEqual(traceHeaders(whole), whole);
  assert.deepEqual(traceHeaders({ traceparent: PARENT }), { traceparent: PARENT });
  assert.deepEqual(traceHeaders(null), {});
});

test('what is no trace is as if it had not come', () => {
  const wrong = [
    undefined,
    '',
    PARENT.toUpperCase(),
    PARENT.replace('00-', 'ff-'),
    `${PARENT}-more`,
    `${PARENT}\n`,
    PARENT.replace(/[1-9a-f]/g, '0'),
    ['a', 'b'],
  ];
  for (const given of wrong) assert.equal(traceOf(given, 'a=1'), null, String(given));
  for (const state of ['', 'x'.repeat(513), 'a\nb', 'é', 7])
    assert.deepEqual(traceOf(PARENT, state), { traceparent: PARENT });
});
