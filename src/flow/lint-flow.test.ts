import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LintAction, type LintLookup, lintFlow } from './lint-flow.ts';
import { parseFlow } from './parse-flow.ts';

const object = (names: readonly string[], optional: readonly string[] = []): object => ({
  type: 'object',
  properties: Object.fromEntries([...names, ...optional].map(name => [name, {}])),
  required: names,
});

const action = (
  title: string,
  input: readonly string[],
  output: readonly string[],
  more: Partial<LintAction> = {},
): LintAction => {
  const [module, name] = title.split(' ') as [string, string];
  return {
    module,
    name,
    kind: 'function',
    undoable: true,
    input: object(input),
    output: object(output),
    ...more,
  };
};

const ACTIONS = [
  action('resource select_host', ['cpu', 'mem'], ['host']),
  action('network alloc_ip', [], ['ip'], { input: object([], ['network']) }),
  action('compute create_vm', ['cpu', 'mem', 'ip'], ['vm']),
  action('mail send', ['vm'], [], { undoable: false }),
  action('dns add', [], [], { kind: 'executable', input: null, output: null }),
  action('vm name', ['item'], ['vm']),
];
const lookup: LintLookup = {
  find: (module, name) => ACTIONS.find(a => a.module === module && a.name === name) ?? null,
  list: () => ACTIONS,
};

const HEAD = 'name: f\nparameters: {cpu: {type: integer}, mem: {type: integer}}\nsteps:\n';
const lint = (steps: string, head = HEAD): string[] =>
  lintFlow(parseFlow(head + steps, 'f.yaml'), lookup).map(({ level, where, reason, hint }) => {
    assert.ok(hint.length > 0);
    return `${level} ${where} ${reason}`;
  });

test('a good flow has no findings', () => {
  assert.deepEqual(
    lint('  - resource select_host\n  - network alloc_ip\n  - {do: compute create_vm, at: host}\n'),
    [],
  );
});

test('an action that is not there', () => {
  assert.deepEqual(lint('  - resource select_host\n  - network aloc_ip\n'), [
    'error f.yaml:5:5 there is no action "network aloc_ip"; did you mean "network alloc_ip"?',
  ]);
});

test('a name that nobody gives', () => {
  assert.deepEqual(lint('  - resource select_host\n  - {do: compute create_vm, at: hots}\n'), [
    'error f.yaml:5:29 `at` of compute create_vm reads "hots", which no parameter and no earlier step gives; did you mean "host"?',
    'error f.yaml:5:5 compute create_vm reads "ip", which no parameter and no earlier step gives; known: cpu, mem, host',
  ]);
});

test('after a step that does not say what it sets, it is only a warning', () => {
  const [first, second] = lint(
    '  - resource select_host\n  - {do: dns add, timeout: 5s}\n  - compute create_vm\n',
  );
  assert.match(first!, /^warning f\.yaml:6:5 compute create_vm reads "ip"/);
  assert.equal(second, undefined);
});

test('an action without an undo, with what would stay behind', () => {
  const findings = lint(
    '  - resource select_host\n  - network alloc_ip\n  - compute create_vm\n  - mail send\n',
  );
  assert.deepEqual(findings, [
    'warning f.yaml:7:5 mail send has no undo: a failure at it or after it parks the message, and what was done before it would not be rolled back: resource select_host, network alloc_ip, compute create_vm',
  ]);
});

test('an executable that takes the default timeout', () => {
  assert.deepEqual(lint('  - resource select_host\n  - dns add\n'), [
    'warning f.yaml:5:5 dns add is an executable without a timeout of its own',
  ]);
});

test('a parameter that no step reads', () => {
  assert.deepEqual(
    lint('  - network alloc_ip\n', 'name: f\nparameters: {netwrok: {type: string}}\nsteps:\n'),
    ['warning f.yaml:2:14 no step reads the parameter "netwrok"'],
  );
});

test('branches that set the same name', () => {
  const all = '  - resource select_host\n  - all: [[network alloc_ip], [network alloc_ip]]\n';
  assert.deepEqual(lint(all), ['error f.yaml:5:31 branches 1 and 2 both set "ip"']);
  assert.deepEqual(
    lint(
      '  - resource select_host\n  - all: [[network alloc_ip], {name: other, steps: [network alloc_ip]}]\n',
    ),
    [],
  );
});

test('a branch does not see what its siblings set; what follows the group does', () => {
  const [finding] = lint('  - resource select_host\n  - all: [[network alloc_ip], [compute create_vm]]\n');
  assert.match(finding!, /error f\.yaml:5:32 compute create_vm reads "ip"/);
  assert.deepEqual(
    lint('  - all: [[resource select_host], [network alloc_ip]]\n  - {do: compute create_vm, at: host}\n'),
    [],
  );
});

test('each needs a list, and gives the item to its branch', () => {
  const head = 'name: f\nparameters: {names: {type: array}}\nsteps:\n';
  assert.deepEqual(lint('  - {each: names, collect: vms, steps: [vm name]}\n', head), []);
  assert.match(
    lint('  - {each: cpu, steps: [resource select_host]}\n')[0]!,
    /error f\.yaml:4:6 `each` needs a list, and "cpu" is integer/,
  );
  assert.match(lint('  - {each: nmes, steps: [vm name]}\n', head)[0]!, /reads "nmes".*did you mean "names"/);
  const tolerant = (more: string) => lint(`  - {each: names, ${more}, steps: [vm name]}\n`, head);
  assert.deepEqual(tolerant('tolerate: 5%, failed: lost'), []);
  assert.match(tolerant('tolerate: spare')[0]!, /`tolerate` reads "spare"/);
  assert.match(tolerant('failed: lost')[0]!, /warning.*always empty/);
  assert.match(tolerant('tolerate: 1, collect: a, failed: a')[0]!, /error.*both set "a"/);
});
