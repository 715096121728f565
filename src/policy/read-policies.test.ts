import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isCoaxError } from '../errors/coax-error.ts';
import { weighOf } from './expression.ts';
import type { HostFacts, RequestFacts } from './facts.ts';
import { loadPolicies } from './load-policies.ts';
import { parsePolicies, policiesOf } from './read-policies.ts';

const BUILTIN = {
  default: 'pack',
  policies: { pack: { about: 'few hosts', weights: { pack: 1 } } },
  weighers: ['pack', 'spread', 'io'],
};
const NONE = { filters: {}, weighers: {} };
const HOST: HostFacts = {
  name: 'h1',
  state: 'up',
  zone: 'a',
  rack: 'r1',
  labels: { disk: 'ssd' },
  simulated: true,
  hypervisor: 'simulated',
  accelerator: 'none',
  cpuTotal: 64,
  cpuFree: 16,
  memTotalMib: 131_072,
  memFreeMib: 4096,
  diskTotalMib: 0,
  diskFreeMib: 0,
  gpuModel: '',
  gpus: 0,
  gpusFree: 0,
  vms: 3,
  ioLoad: 0,
};
const REQUEST: RequestFacts = {
  cpu: 2,
  memMib: 512,
  diskMib: 0,
  gpu: 0,
  project: 'acme',
  group: '',
  labels: {},
  preemptible: false,
};

const book = (text: string) => policiesOf(parsePolicies(text, 'placement.yaml'), BUILTIN, NONE);

function faultsOf(text: string): string[] {
  try {
    book(text);
  } catch (error) {
    assert.ok(isCoaxError(error, 'COAX_POLICY_INVALID'), String(error));
    return error.faults.map(({ where, reason }) => `${where} ${reason}`);
  }
  return [];
}

test('a request gets the policy that it names, else its flavor’s, else its project’s, else the default', () => {
  const policies = book(
    'default: calm\npolicies: {calm: {weigh: {io: 2}}, web: {weigh: {spread: 1}}}\nprojects: {acme: web}\nflavors: {m1.small: pack}\n',
  );
  assert.equal(policies.nameFor({}), 'calm');
  assert.equal(policies.nameFor({ project: 'acme' }), 'web');
  assert.equal(policies.nameFor({ project: 'other' }), 'calm');
  assert.equal(policies.nameFor({ project: 'acme', flavor: 'm1.small' }), 'pack');
  assert.equal(policies.nameFor({ project: 'acme', flavor: 'm1.small', policy: 'web' }), 'web');
  assert.throws(() => policies.nameFor({ policy: 'wbe' }), { code: 'COAX_NOT_FOUND' });
  assert.throws(() => policies.nameFor({ flavor: 'm1.huge' }), { code: 'COAX_NOT_FOUND' });
});

test('CEL filters and weighers are worked out on the facts of host and request', () => {
  const [, web] = book(`policies:
  web:
    require: [{name: ssd, cel: "host.labels.disk == 'ssd'"}, {name: big, cel: "host.cpuFree - request.cpu >= 32"}]
    prefer: [{name: few, cel: "1 - host.vms / 10", weight: 3}]
`).list();
  assert.deepEqual(
    web!.rules.map(({ passes }) => passes(HOST, REQUEST)),
    ['', 'not host.cpuFree - request.cpu >= 32'],
  );
  assert.equal(web!.rules[0]!.passes({ ...HOST, labels: {} }, REQUEST), 'No such key: disk');
  assert.equal(web!.weighers[0]!.weight, 3);
  assert.equal(web!.weighers[0]!.weigh(HOST, REQUEST), 0.7);
  assert.equal(weighOf("host.labels.none == 'a'")(HOST, REQUEST), 0);
});

test('each fault of a file is told with its line and what was meant', () => {
  assert.deepEqual(
    faultsOf(`default: wbe
policies:
  web:
    weigh: {sperad: 1}
    require: [{name: ssd, cel: "host.label == 'ssd'"}, {name: odd, cel: "host.cpuFree"}, rack-a]
  pack: {}
projects: {acme: web2}
`),
    [
      'placement.yaml:4:21 there is no weigher "sperad"; did you mean "spread"?',
      "placement.yaml:5:32 No such key: label in `host.label == 'ssd'`",
      'placement.yaml:5:73 `host.cpuFree` gives double, and true or false is needed',
      'placement.yaml:5:90 there is no filter "rack-a"',
      'placement.yaml:6:9 a policy "pack" comes with Coax; choose another name',
      'placement.yaml:1:10 there is no policy "wbe"; did you mean "web"?',
      'placement.yaml:7:18 there is no policy "web2"; did you mean "web"?',
    ],
  );
  assert.match(
    faultsOf('policies: {web: {wiegh: {}}}')[0]!,
    /^placement\.yaml:1:18 unknown key "policies\.web\.wiegh"; did you mean "weigh"\?$/,
  );
  assert.match(faultsOf('policies: [')[0]!, /not YAML/);
  assert.match(
    faultsOf('policies: {web: {weigh: {spread: lots}}}')[0]!,
    /^placement\.yaml:1:\d+ policies\.web\.weigh\.spread: /,
  );
});

test('TypeScript files add filters and weighers; what is wrong with one names the file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-policies-'));
  try {
    const file = join(dir, 'placement.yaml');
    writeFileSync(
      join(dir, 'rules.ts'),
      `export default {
  filters: { 'rack-a': (host: { rack: string }) => (host.rack === 'a' ? '' : \`in rack \${host.rack}\`), broken: () => { throw new Error('oh'); } },
  weighers: { near: (host: { vms: number }) => host.vms },
};`,
    );
    writeFileSync(
      file,
      'modules: [rules.ts]\npolicies: {web: {require: [rack-a, broken], weigh: {near: 2, spread: 1}}}\n',
    );
    const policy = (await loadPolicies(file, BUILTIN)).find('web');
    assert.deepEqual(policy.weights, { spread: 1 });
    assert.deepEqual(
      policy.rules.map(({ passes }) => passes(HOST, REQUEST)),
      ['in rack r1', 'oh'],
    );
    assert.equal(policy.weighers[0]!.weigh(HOST, REQUEST), 3);
    writeFileSync(file, 'modules: [none.ts]\n');
    await assert.rejects(
      loadPolicies(file, BUILTIN),
      /none\.ts: there is no such file.*placement\.yaml:1:11/,
    );
    writeFileSync(join(dir, 'bad.ts'), 'export default {filters: {a: 1}};');
    writeFileSync(file, 'modules: [bad.ts]\n');
    await assert.rejects(loadPolicies(file, BUILTIN), /filters\.a is not a function/);
    await assert.rejects(loadPolicies(join(dir, 'absent.yaml'), BUILTIN), { code: 'COAX_USAGE' });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
