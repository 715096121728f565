import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { CoaxError, isCoaxError } from '../errors/coax-error.ts';
import type { Parameters } from '../message/message.ts';
import type { StepCall } from './contract.ts';
import { defineModule } from './define-module.ts';
import { Retryable, Terminal } from './step-errors.ts';

function call(parameters: Parameters, more: Partial<StepCall> = {}): StepCall {
  return {
    msgid: 141592,
    step: 1,
    attempt: 1,
    key: '141592.1',
    fence: 1,
    mode: 'normal',
    parameters,
    output: {},
    host: null,
    worker: 'w1',
    timeoutMs: 1000,
    signal: new AbortController().signal,
    log() {},
    detail() {},
    ...more,
  };
}

/** One action `m act` around a function. */
function actionOf(body: (input: { n: number }, call: StepCall) => unknown, undo?: () => void) {
  return defineModule({
    name: 'm',
    actions: {
      act: {
        input: z.object({ n: z.number() }),
        output: z.looseObject({}),
        do: body as () => Record<string, unknown>,
        undo: undo ?? (() => {}),
      },
    },
  }).actions[0]!;
}

test('types are inferred from the schemas', async () => {
  const module = defineModule({
    name: 'network',
    about: 'Addresses',
    actions: {
      alloc_ip: {
        input: z.object({ vlan: z.number() }),
        output: z.object({ ip: z.string() }),
        do(input, call) {
          const vlan: number = input.vlan;
          // @ts-expect-error vlan is a number
          const wrong: string = input.vlan;
          // @ts-expect-error the schema does not name it
          void input.cpu;
          // @ts-expect-error not transactional: there is no transaction
          void call.tx.now;
          return { ip: `10.0.${vlan + Number(wrong) * 0}.1` };
        },
        undo(input, output) {
          // @ts-expect-error a step that failed half-way has set nothing: the output is partial
          const ip: string = output.ip;
          void [ip, input.vlan];
        },
      },
      claim: {
        input: z.object({ cpu: z.number() }),
        output: z.object({ claimed: z.number() }),
        transactional: true,
        irreversible: true,
        async do(input, call) {
          return { claimed: call.tx.now + input.cpu };
        },
      },
      wrong_type: {
        input: z.object({}),
        output: z.object({ ip: z.string() }),
        irreversible: true,
        // @ts-expect-error ip is text
        do: () => ({ ip: 5 }),
      },
      wrong_shape: {
        input: z.object({}),
        output: z.object({ ip: z.string() }),
        irreversible: true,
        // @ts-expect-error ip is missing
        do() {
          return {};
        },
      },
    },
  });
  assert.deepEqual(
    module.actions.map(({ name, kind, undoable }) => [name, kind, undoable]),
    [
      ['alloc_ip', 'function', true],
      ['claim', 'transactional', false],
      ['wrong_type', 'function', false],
      ['wrong_shape', 'function', false],
    ],
  );
  const wrong = await module.actions[2]!.run(call({}));
  assert.equal(wrong.kind === 'terminal' && wrong.error.code, 'COAX_STEP_OUTPUT');
});

test('a module that cannot work is refused with what to do', () => {
  const input = z.object({});
  const good = { input, output: input, do: () => ({}), undo: () => {} };
  const refused = (spec: unknown, reason: RegExp): void =>
    assert.throws(
      () => defineModule(spec as Parameters & Parameters2),
      (error: unknown) => isCoaxError(error, 'COAX_MODULE_INVALID') && reason.test(error.reason),
    );
  type Parameters2 = Parameters[string] & { name: string; actions: Record<string, never> };
  refused({ name: '../etc', actions: { good } }, /cannot name a module/);
  refused({ name: 'm', actions: { 'Not-Small': good } }, /cannot name an action/);
  refused({ name: 'm', actions: {} }, /no actions/);
  refused({ name: 'm', actions: { act: { ...good, undo: undefined } } }, /m act has no undo/);
  refused({ name: 'm', actions: { act: { ...good, irreversible: true } } }, /has an undo and says/);
  refused({ name: 'm', actions: { act: { ...good, do: undefined } } }, /no `do`/);
  refused({ name: 'm', actions: { act: { ...good, input: z.string() } } }, /not a z.object/);
  refused(
    { name: 'm', actions: { act: { ...good, output: z.object({ 'a b': z.string() }) } } },
    /cannot name a parameter/,
  );
});

test('a step is given only what its schema names, and sets only what its schema names', async () => {
  const seen: unknown[] = [];
  const { actions } = defineModule({
    name: 'm',
    actions: {
      act: {
        input: z.strictObject({ n: z.number() }),
        output: z.object({ twice: z.number(), maybe: z.string().optional() }),
        do(input) {
          seen.push(input);
          return { twice: input.n * 2, maybe: undefined, more: 1 } as { twice: number };
        },
        undo(input, output) {
          seen.push(input, output);
        },
      },
    },
  });
  assert.deepEqual(await actions[0]!.run(call({ n: 2, other: 'x' })), { kind: 'ok', set: { twice: 4 } });
  const undone = await actions[0]!.run(call({ n: 2, twice: 4 }, { mode: 'rollback', output: { twice: 4 } }));
  assert.deepEqual(undone, { kind: 'ok', set: {} });
  assert.deepEqual(seen, [{ n: 2 }, { n: 2 }, { twice: 4 }]);
});

test('an input that does not fit keeps the step from beginning, so there is nothing to undo', async () => {
  let undone = 0;
  const act = actionOf(
    () => ({}),
    () => void undone++,
  );
  const done = await act.run(call({ n: 'two' }));
  assert.equal(done.kind === 'terminal' && done.error.code, 'COAX_STEP_INPUT');
  assert.match(done.kind === 'terminal' ? done.error.reason : '', /\/n: /);
  assert.equal((await act.run(call({ n: 'two' }, { mode: 'rollback' }))).kind, 'ok');
  assert.equal(undone, 0);
  // Something was set: then a person must look.
  const stuck = await act.run(call({ n: 'two' }, { mode: 'rollback', output: { id: 1 } }));
  assert.equal(stuck.kind, 'terminal');
});

test('what a step throws becomes an outcome', async () => {
  const system = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });
  const cases: [unknown, object][] = [
    [
      new Retryable('zone is locked', { code: 'DNS_LOCKED', retryAfterMs: 250, detail: { zone: 'a' } }),
      {
        kind: 'retryable',
        retryAfterMs: 250,
        error: { code: 'DNS_LOCKED', reason: 'zone is locked', detail: { zone: 'a' } },
      },
    ],
    // Without a transaction there is nothing to keep.
    [
      new Retryable('room is made', { keep: true }),
      { kind: 'retryable', error: { code: 'COAX_STEP_FAILED', reason: 'room is made' } },
    ],
    [new Terminal('no'), { kind: 'terminal', error: { code: 'COAX_STEP_FAILED', reason: 'no' } }],
    [
      new CoaxError('COAX_NO_FREE_ADDRESS', 'full'),
      { kind: 'terminal', error: { code: 'COAX_NO_FREE_ADDRESS', reason: 'full' } },
    ],
    [
      new CoaxError('COAX_STORE_UNAVAILABLE', 'busy'),
      { kind: 'retryable', error: { code: 'COAX_STORE_UNAVAILABLE', reason: 'busy' } },
    ],
    [
      system('ECONNREFUSED'),
      { kind: 'retryable', error: { code: 'ECONNREFUSED', reason: 'connect ECONNREFUSED' } },
    ],
    [system('ENOENT'), { kind: 'terminal', error: { code: 'COAX_STEP_FAILED', reason: 'connect ENOENT' } }],
    [
      system('40001'),
      { kind: 'retryable', error: { code: 'COAX_STORE_UNAVAILABLE', reason: 'connect 40001' } },
    ],
    [
      new TypeError('fetch failed', { cause: system('ECONNRESET') }),
      { kind: 'retryable', error: { code: 'ECONNRESET', reason: 'fetch failed: connect ECONNRESET' } },
    ],
    ['just text', { kind: 'terminal', error: { code: 'COAX_STEP_FAILED', reason: 'just text' } }],
    [undefined, { kind: 'terminal', error: { code: 'COAX_STEP_FAILED', reason: 'undefined' } }],
    [
      new Terminal('x', { detail: { n: Number.NaN } }),
      { kind: 'terminal', error: { code: 'COAX_STEP_FAILED', reason: 'x' } },
    ],
    [new Terminal('\ud800'), { kind: 'terminal', error: { code: 'COAX_STEP_FAILED', reason: '\ufffd' } }],
  ];
  for (const [thrown, outcome] of cases) {
    const sync = actionOf(() => {
      throw thrown;
    });
    const later = actionOf(async () => {
      throw thrown;
    });
    assert.deepEqual(await sync.run(call({ n: 1 })), outcome);
    assert.deepEqual(await later.run(call({ n: 1 })), outcome);
  }
});

test('a step that heeds its signal is tried again, whatever it was stopped for', async () => {
  for (const [reason, code] of [
    ['COAX_STEP_TIMEOUT', 'COAX_STEP_TIMEOUT'],
    ['COAX_STEP_LOST', 'COAX_STEP_CANCELLED'],
  ] as const) {
    const stop = new AbortController();
    const act = actionOf(async (_input, { signal }) => {
      stop.abort(new CoaxError(reason, 'stop'));
      signal.throwIfAborted();
    });
    const outcome = await act.run(call({ n: 1 }, { signal: stop.signal }));
    assert.equal(outcome.kind, 'retryable');
    assert.equal(outcome.kind === 'retryable' && outcome.error.code, code);
  }
  // An error of its own stays what it is, even after the signal.
  const late = actionOf(() => {
    throw new Terminal('no');
  });
  assert.equal(
    (await late.run(call({ n: 1 }, { signal: AbortSignal.abort(new Error('timeout')) }))).kind,
    'terminal',
  );
});

test('an output that no ledger could keep is refused, not thrown', async () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const hostile = [
    { a: Number.NaN },
    { a: '\ud800' },
    { a: 2 ** 60 },
    { a: new Date(0) },
    { a: [undefined] },
    { a: 1n },
    cycle,
    'text',
    [],
  ];
  for (const output of hostile) {
    const outcome = await actionOf(() => output).run(call({ n: 1 }));
    assert.equal(outcome.kind === 'terminal' && outcome.error.code, 'COAX_STEP_OUTPUT', String(output));
  }
  assert.deepEqual(await actionOf(() => undefined).run(call({ n: 1 })), { kind: 'ok', set: {} });
});

test('an action without an undo parks the message that walks back to it', async () => {
  const { actions } = defineModule({
    name: 'mail',
    actions: { send: { input: z.object({}), output: z.object({}), irreversible: true, do: () => ({}) } },
  });
  const outcome = await actions[0]!.run(call({}, { mode: 'rollback' }));
  assert.equal(outcome.kind === 'terminal' && outcome.error.code, 'COAX_STEP_IRREVERSIBLE');
});

test('the code hash follows the code: of the functions when built in, of the file when from a file', () => {
  const one = actionOf(() => ({ a: 1 }));
  const same = actionOf(() => ({ a: 1 }));
  const other = actionOf(() => ({ a: 2 }));
  assert.match(one.code, /^[0-9a-f]{64}$/);
  assert.equal(one.code, same.code);
  assert.notEqual(one.code, other.code);
  const input = z.object({});
  const module = defineModule({
    name: 'm',
    actions: { act: { input, output: input, do: () => ({}), undo() {} } },
  });
  const [first] = module.fromFile({ file: '/m.ts', hash: 'aa' });
  const [second] = module.fromFile({ file: '/m.ts', hash: 'bb' });
  assert.notEqual(first!.code, second!.code);
  assert.equal(first!.file, '/m.ts');
});

test('the schemas are there as JSON Schema, defaults not required', () => {
  const { actions } = defineModule({
    name: 'm',
    actions: {
      act: {
        input: z.object({ cpu: z.int().min(1), net: z.string().default('lan') }),
        output: z.object({ ip: z.string() }),
        do: () => ({ ip: '' }),
        undo() {},
      },
    },
  });
  const { input, output } = actions[0]! as { input: { required: string[] }; output: { required: string[] } };
  assert.deepEqual(input.required, ['cpu']);
  assert.deepEqual(output.required, ['ip']);
});
