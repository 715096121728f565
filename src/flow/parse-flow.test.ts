import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { CoaxError, isCoaxError } from '../errors/coax-error.ts';
import { defineFlow, type FlowSyntax, type StepSyntax } from './define-flow.ts';
import { formatDuration, parseDuration } from './duration.ts';
import type { FlowFault } from './flow-faults.ts';
import { parseFlow } from './parse-flow.ts';
import { planOf } from './plan-of.ts';

const CREATE_VM = `name: create_vm
about: Makes a VM
parameters:                       # JSON Schema properties
  cpu: {type: integer, minimum: 1}
  mem: {type: integer, minimum: 64, description: MiB}
steps:
  - resource select_host          # module action
  - network alloc_ip
  - {do: compute create_vm, at: host, timeout: 2m, retry: {attempts: 3}}
  - resource update_info
`;
const RETRY = { attempts: 3, backoffMs: 500, factor: 2, backoffMaxMs: 30_000, terminal: [] };

function faultsOf(text: string): readonly FlowFault[] {
  try {
    parseFlow(text, 'f.yaml');
  } catch (error) {
    assert.ok(isCoaxError(error, 'COAX_FLOW_INVALID'), String(error));
    assert.equal(error.where, error.faults[0]!.where);
    return error.faults as readonly FlowFault[];
  }
  assert.fail('it was accepted');
}

/** The text has exactly this fault, and says how to do better. */
function faulty(text: string, where: string, reason: RegExp): void {
  const faults = faultsOf(text);
  const found = faults.find(fault => fault.where === where && reason.test(fault.reason));
  assert.ok(found, JSON.stringify(faults));
  assert.ok(found.hint.length > 0);
}

test('the example of the design', () => {
  const flow = parseFlow(CREATE_VM, 'create_vm.yaml');
  assert.equal(flow.name, 'create_vm');
  assert.equal(flow.about, 'Makes a VM');
  assert.equal(flow.source, CREATE_VM);
  assert.deepEqual(flow.parameters.mem, { type: 'integer', minimum: 64, description: 'MiB' });
  assert.deepEqual(flow.steps, [
    { module: 'resource', action: 'select_host', timeoutMs: 60_000, retry: RETRY },
    { module: 'network', action: 'alloc_ip', timeoutMs: 60_000, retry: RETRY },
    { module: 'compute', action: 'create_vm', at: 'host', timeoutMs: 120_000, retry: RETRY },
    { module: 'resource', action: 'update_info', timeoutMs: 60_000, retry: RETRY },
  ]);
  assert.deepEqual(flow.places.get('/steps/2/timeout'), { line: 9, column: 39 });
});

test('a plan has the hash of each code that is known', () => {
  const flow = parseFlow('name: f\nsteps: [a b, {all: [[a b], [c d]]}, {each: x, steps: [a b]}]', 'f.yaml');
  const plan = planOf(flow, module => (module === 'a' ? 'ff'.repeat(32) : undefined));
  const [one, all, each] = plan.steps as unknown as [
    { code: string },
    { all: { steps: { code?: string }[] }[] },
    { steps: { code: string }[] },
  ];
  assert.equal(one.code, 'ff'.repeat(32));
  assert.equal(all.all[0]!.steps[0]!.code, one.code);
  assert.equal(Object.hasOwn(all.all[1]!.steps[0]!, 'code'), false);
  assert.equal(each.steps[0]!.code, one.code);
});

test('groups, written out', () => {
  const flow = parseFlow(
    `name: f
steps:
  - all:
      - [network alloc_ip, network publish]
      - {name: disk, steps: [volume create]}
  - each: names
    as: name
    limit: 4
    collect: vms
    steps:
      - {all: [[a b]]}
`,
    'f.yaml',
  );
  const step = (module: string, action: string) => ({ module, action, timeoutMs: 60_000, retry: RETRY });
  assert.deepEqual(flow.steps, [
    {
      all: [
        { steps: [step('network', 'alloc_ip'), step('network', 'publish')] },
        { name: 'disk', steps: [step('volume', 'create')] },
      ],
    },
    { each: 'names', as: 'name', limit: 4, collect: 'vms', steps: [{ all: [{ steps: [step('a', 'b')] }] }] },
  ]);
});

test('a fault says line, column, what, and an example that works', () => {
  const steps = '\nsteps: [a b]\n';
  faulty('', 'f.yaml:1:1', /empty/);
  faulty('- a\n- b\n', 'f.yaml:1:1', /a map of keys/);
  faulty('name: x\nabout: {\n', 'f.yaml:3:1', /not YAML/);
  faulty('name: x\n\tsteps: 1', 'f.yaml:2:1', /not YAML/);
  faulty(`name: x\nname: y${steps}`, 'f.yaml:2:1', /twice/);
  faulty(`name: x\nparameters:\n  a: {type: string, type: integer}${steps}`, 'f.yaml:3:21', /twice/);
  faulty(`nmae: x${steps}`, 'f.yaml:1:1', /unknown key "nmae"; did you mean "name"\?/);
  faulty(`name: Create VM${steps}`, 'f.yaml:1:1', /cannot name a flow/);
  faulty('name: x\n', 'f.yaml:1:1', /`steps` is missing/);
  faulty('name: x\nsteps: []\n', 'f.yaml:2:1', /no steps/);
  faulty('name: x\nsteps:\n  - justone\n', 'f.yaml:3:5', /not "module action"/);
  faulty('name: x\nsteps:\n  - ../x y\n', 'f.yaml:3:5', /not "module action"/);
  faulty('name: x\nsteps:\n  - network: alloc_ip\n', 'f.yaml:3:5', /without a colon: "network alloc_ip"/);
  faulty('name: x\nsteps:\n  - {do: a b, timeuot: 2m}\n', 'f.yaml:3:15', /did you mean "timeout"/);
  faulty('name: x\nsteps:\n  - {do: a b, timeout: 30}\n', 'f.yaml:3:15', /30 has no unit/);
  faulty('name: x\nsteps:\n  - {do: a b, timeout: 30 days}\n', 'f.yaml:3:15', /not a length of time/);
  faulty('name: x\nsteps:\n  - {do: a b, timeout: 800d}\n', 'f.yaml:3:15', /not between 1ms and 7d/);
  faulty('name: x\nsteps:\n  - {do: a b, retry: 3}\n', 'f.yaml:3:15', /not a map/);
  faulty('name: x\nsteps:\n  - {do: a b, retry: {attempts: 0}}\n', 'f.yaml:3:23', /whole number from 1/);
  faulty('name: x\nsteps:\n  - {do: a b, all: [[a b]]}\n', 'f.yaml:3:5', /only one of do and all/);
  faulty(
    'name: x\nsteps:\n  - {all: [{name: a, steps: [a b]}, {name: a, steps: [a b]}]}\n',
    'f.yaml:3:38',
    /two branches/,
  );
  faulty('name: x\nsteps:\n  - {each: [1, 2], steps: [a b]}\n', 'f.yaml:3:6', /not the name of a parameter/);
  for (const key of ['when', 'lock', 'savepoint', 'needs']) {
    faulty(`name: x\nsteps:\n  - {do: a b, ${key}: x}\n`, 'f.yaml:3:15', /comes in a later version/);
  }
});

test('a schema means all that it says, or is refused', () => {
  const schema = (text: string): string => `name: x\nparameters:\n  a: ${text}\nsteps: [a b]\n`;
  faulty(schema('string'), 'f.yaml:3:3', /\{type: string\}/);
  faulty(schema('{}'), 'f.yaml:3:3', /`type` is missing/);
  faulty(schema('{type: int}'), 'f.yaml:3:7', /"int" is not a type/);
  faulty(schema('{type: string, minimun: 1}'), 'f.yaml:3:21', /did you mean "minimum"/);
  faulty(schema('{type: string, minimum: 1}'), 'f.yaml:3:21', /needs type integer or number/);
  faulty(schema('{type: integer, minimum: 5, maximum: 2}'), 'f.yaml:3:22', /nothing fits/);
  faulty(schema('{type: integer, minimum: "1"}'), 'f.yaml:3:22', /not a number/);
  faulty(schema('{type: integer, multipleOf: 0}'), 'f.yaml:3:22', /above 0/);
  faulty(schema('{type: string, format: ip}'), 'f.yaml:3:21', /"ip" is not a format/);
  faulty(schema('{type: string, pattern: "("}'), 'f.yaml:3:21', /Invalid regular expression/);
  faulty(schema('{type: string, pattern: "^(a+)+$"}'), 'f.yaml:3:21', /take for ever/);
  faulty(schema('{enum: []}'), 'f.yaml:3:7', /list of values/);
  faulty(schema('{enum: [[1]]}'), 'f.yaml:3:7', /chosen from/);
  faulty(schema('{enum: [a], minLength: 2}'), 'f.yaml:3:18', /adds nothing/);
  faulty(schema('{type: object, required: [b]}'), 'f.yaml:3:21', /not among/);
  faulty(schema('{type: integer, default: x}'), 'f.yaml:3:22', /default does not fit.*must be/);
  faulty(
    schema('{type: array, items: {type: integer, default: 1}}'),
    'f.yaml:3:43',
    /only a parameter itself/,
  );
  faulty(schema('{type: string, secret: maybe}'), 'f.yaml:3:21', /true or not there/);
  faulty(schema('{type: string, secret: true, default: x}'), 'f.yaml:3:35', /no `default`/);
  faulty(schema('{enum: [a, b], secret: true}'), 'f.yaml:3:7', /no `enum`/);
  faulty(
    schema('{type: array, items: {type: string, secret: true}, default: []}'),
    'f.yaml:3:57',
    /there is a secret in it/,
  );
  const uses = (step: string) => `name: x\nparameters: {p: {type: string, secret: true}}\nsteps: [${step}]`;
  faulty(uses('{do: a b, at: p}'), 'f.yaml:3:19', /`at` reads "p", which is secret/);
  faulty(uses('{each: p, steps: [a b]}'), 'f.yaml:3:10', /`each` reads "p", which is secret/);
  faulty(
    'name: x\nparameters: {"../a": {type: string}}\nsteps: [a b]',
    'f.yaml:2:14',
    /cannot name a parameter/,
  );
  faulty('name: x\nparameters: {__proto__: {type: string}}\nsteps: [a b]', 'f.yaml:2:14', /__proto__/);
  faulty(schema('{type: integer, minimum: .nan}'), 'f.yaml:3:22', /NaN/);
});

test('hostile YAML ends in a refusal', () => {
  faultsOf('['.repeat(100_000));
  faultsOf('- '.repeat(50_000));
  faultsOf(`${'a: '.repeat(1)}${'{a: '.repeat(150)}1${'}'.repeat(150)}`);
  faultsOf('x'.repeat(300_000));
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 10; i++)
    bomb.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(', ')}]`);
  faultsOf(bomb.join('\n'));
  faultsOf('name: x\nsteps: !!js/function "a"\n');
  let deep = '[a b]';
  for (let i = 0; i < 9; i++) deep = `[{all: [${deep}]}]`;
  faulty(`name: x\nsteps: ${deep}\n`, `f.yaml:2:${8 + 1 + 8 * 8}`, /nested deeper than 8/);
  assert.match(faultsOf(`name: x\nsteps: [${'a b, '.repeat(1001)}]`)[0]!.reason, /more than 1000 steps/);
});

test('several faults come at once', () => {
  const faults = faultsOf('nmae: x\nsteps:\n  - a\n  - {do: a b, timeout: 5}\n');
  assert.deepEqual(
    faults.map(({ where }) => where),
    ['f.yaml:1:1', 'f.yaml:1:1', 'f.yaml:3:5', 'f.yaml:4:15'],
  );
});

test('TypeScript gives the same flow, and JSON pointers for places', () => {
  const { name, about, parameters, steps } = parseFlow(CREATE_VM, 'f.yaml');
  const made = defineFlow({
    name: 'create_vm',
    about: 'Makes a VM',
    parameters: {
      cpu: { type: 'integer', minimum: 1 },
      mem: { type: 'integer', minimum: 64, description: 'MiB' },
    },
    steps: [
      'resource select_host',
      'network alloc_ip',
      { do: 'compute create_vm', at: 'host', timeout: '2m', retry: { attempts: 3 } },
      'resource update_info',
    ],
  });
  assert.deepEqual(
    { ...made, places: null },
    { name, about, parameters, steps, file: null, source: null, places: null },
  );
  assert.throws(
    () => defineFlow({ name: 'x', steps: ['a b', { do: 'a b', timeout: '5' }] }),
    (error: unknown) => error instanceof CoaxError && error.where === '/steps/1/timeout',
  );
});

test('property: what is written as YAML is read as from TypeScript', () => {
  const name = fc
    .stringMatching(/^[a-z][a-z0-9_]{0,8}$/)
    .filter(n => n !== 'constructor' && n !== 'prototype');
  const action = fc.tuple(name, name).map(([m, a]) => `${m} ${a}`);
  const tolerate = fc.oneof(fc.nat(9), name, fc.constantFrom('5%', '0.5%', '100%'));
  const { step } = fc.letrec<{ step: StepSyntax; steps: StepSyntax[] }>(tie => ({
    steps: fc.array(tie('step'), { minLength: 1, maxLength: 3 }),
    step: fc.oneof(
      { depthSize: 'small', maxDepth: 5 },
      action,
      fc.record(
        { do: action, at: name, timeout: fc.constantFrom('1s', '5m', '1.5h') },
        { requiredKeys: ['do'] },
      ),
      fc.record(
        { all: fc.array(tie('steps'), { minLength: 1, maxLength: 3 }), tolerate },
        { requiredKeys: ['all'] },
      ),
      fc.record(
        { each: name, as: name, limit: fc.integer({ min: 1, max: 9 }), tolerate, steps: tie('steps') },
        { requiredKeys: ['each', 'steps'] },
      ),
    ) as fc.Arbitrary<StepSyntax>,
  }));
  fc.assert(
    fc.property(name, fc.array(step, { minLength: 1, maxLength: 4 }), (flowName, steps) => {
      const syntax: FlowSyntax = { name: flowName, steps };
      assert.deepEqual(parseFlow(stringify(syntax), 'f.yaml').steps, defineFlow(syntax).steps);
    }),
    { numRuns: 60 },
  );
});

test('lengths of time', () => {
  const cases: [string, number | null][] = [
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['1.5s', 1500],
    ['30', null],
    ['-1s', null],
    ['1 s', null],
    ['1w', null],
    ['', null],
    [`${'9'.repeat(30)}s`, null],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 10 }), ms =>
      assert.equal(parseDuration(formatDuration(ms)), ms),
    ),
  );
});
