/** `coax plan`, policies and `coax rebalance` against a real server with simulated hosts. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { PlanAnswer, PolicyList, RebalanceAnswer } from '../../src/api/cloud/placement.ts';
import { CliWorld } from './cli-fixture.ts';

const POLICIES = `policies:
  quiet:
    about: Where few VMs are, and never on sim-1
    weigh: {free-memory: 1}
    require: [{name: not-first, cel: "host.name != 'sim-1'"}]
    prefer: [{name: in-b, cel: "host.zone == 'b'", weight: 10}]
projects: {acme: quiet}
flavors: {m1.small: spread}
`;

const world = new CliWorld();
before(async () => {
  const file = world.file('policies.yaml', POLICIES);
  const up = await world.coax('up', '-d', '--simulate', '--listen', '127.0.0.1:0', '--placement', file);
  assert.equal(up.status, 0, up.stderr);
});
after(() => world.close());

const plan = async (...args: string[]): Promise<PlanAnswer> => {
  const { status, stdout, stderr } = await world.coax('plan', ...args, '-o', 'json');
  assert.ok(status === 0 || status === 4, stderr);
  const answer = JSON.parse(stdout) as PlanAnswer;
  assert.equal(status, answer.failed === null ? 0 : 4);
  return answer;
};

test('plan says where VMs would land, and writes nothing', async () => {
  const answer = await plan('create_vm', 'cpu=16', 'mem=1024', '--count', '6');
  assert.equal(answer.placed, 6);
  assert.deepEqual(
    answer.hosts.map(({ vms, cpu, cpuFree }) => ({ vms, cpu, cpuFree })),
    [
      { vms: 4, cpu: 64, cpuFree: 0 },
      { vms: 2, cpu: 32, cpuFree: 32 },
    ],
  );
  assert.equal(answer.first?.host, answer.hosts[0]!.host);
  assert.ok(answer.first.filters.every(filter => filter.before === 4 && filter.after === 4));
  assert.match(answer.first.reason, /4 of 4 hosts fit/);
  const { stdout } = await world.coax('host', 'ls', '-o', 'json');
  const { items } = JSON.parse(stdout) as { items: { cpu: { used: number } }[] };
  assert.deepEqual(
    items.map(host => host.cpu.used),
    [0, 0, 0, 0],
  );
  assert.equal((await world.coax('ls', '-o', 'name')).stdout, '');
});

test('plan ends at the first VM that no host fits, and says why', async () => {
  const answer = await plan('create_vm', 'cpu=32', 'mem=1024', '--count', '9');
  assert.deepEqual([answer.asked, answer.placed, answer.failed?.vm], [9, 8, 9]);
  const cpu = answer.failed!.placement.filters.find(filter => filter.name === 'cpu');
  assert.deepEqual([cpu?.before, cpu?.removed, cpu?.after], [4, 4, 0]);
  const shown = await world.coax('plan', 'create_vm', 'cpu=32', 'mem=1024', '--count', '9');
  assert.equal(shown.status, 4);
  assert.match(
    shown.stdout,
    /8 of 9 fit; number 9 does not: no host fits cpu=32 mem=1024: 4 hosts, cpu removed 4/,
  );
});

test('plan follows branches of a list, labels and a file of parameters', async () => {
  const list = await plan('create_vms', 'names=["a","b","c"]', 'cpu=1', 'mem=128', 'labels={"host":"sim-3"}');
  assert.deepEqual([list.placed, list.hosts.map(({ host, vms }) => `${host} ${vms}`)], [3, ['sim-3 3']]);
  const file = world.file('vm.yaml', 'cpu: 1\nmem: 128\nlabels: {rack: none}\n');
  const none = await plan('create_vm', '--params', file, 'name=odd');
  assert.deepEqual([none.placed, none.failed?.name], [0, 'odd']);
  assert.match(none.failed!.placement.reason, /labels removed 4/);
});

test('plan tells which preemptible VMs would be removed for a VM, and goes on with their room', async () => {
  const filled = await world.coax(
    'run',
    'create_vm',
    'cpu=60',
    'mem=128',
    'name=batch',
    'labels={"host":"sim-4"}',
    'placement={"preemptible":true}',
    '--wait',
  );
  assert.equal(filled.status, 0, filled.stdout + filled.stderr);
  const wish = ['create_vm', 'cpu=30', 'mem=128', 'labels={"host":"sim-4"}'];
  const two = await world.coax('plan', ...wish, '--count', '2', '-o', 'json');
  assert.equal(two.status, 0, two.stdout + two.stderr);
  const answer = JSON.parse(two.stdout) as PlanAnswer;
  assert.deepEqual(answer.removed, [{ vm: 'batch', host: 'sim-4', for: 1 }]);
  assert.equal(answer.placed, 2);
  const text = await world.coax('plan', ...wish);
  assert.match(text.stdout, /preemptible vm batch would be removed from host sim-4 for it/);
  const three = await world.coax('plan', ...wish, '--count', '3', '-o', 'json');
  assert.equal(three.status, 4);
  assert.equal((JSON.parse(three.stdout) as PlanAnswer).failed?.vm, 3);
  assert.equal((await world.coax('vm', 'show', 'batch')).status, 0);
  assert.equal((await world.coax('vm', 'rm', 'batch', '--wait')).status, 0);
});

test('plan refuses a flow that places nothing, and wrong parameters', async () => {
  const nothing = await world.coax('plan', 'stop_vm', 'name=a');
  assert.equal(nothing.status, 2);
  assert.match(nothing.stderr, /flow stop_vm places no VM/);
  const wrong = await world.coax('plan', 'create_vm', 'cpu=1');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /mem is required/);
  assert.equal((await world.coax('plan', 'create_vm', 'cpu=1', 'mem=128', '--count', '10001')).status, 2);
});

test('a VM goes where its policy says, by its own word, its flavor or its project', async () => {
  const hostOf = async (placement: object): Promise<string> => {
    const words = ['cpu=1', 'mem=128', `placement=${JSON.stringify(placement)}`];
    const { hosts } = await plan('create_vm', ...words);
    const run = await world.coax('run', 'create_vm', ...words, '--wait', '-o', 'json');
    assert.equal(run.status, 0, run.stdout + run.stderr);
    const { parameters, msgid } = JSON.parse(run.stdout) as { parameters: { host: string }; msgid: number };
    const revert = await world.coax('revert', String(msgid), '--wait');
    assert.equal(revert.status, 0, revert.stderr);
    assert.equal(parameters.host, hosts[0]!.host, 'the plan said so');
    return parameters.host;
  };
  assert.match(await hostOf({ policy: 'quiet' }), /^sim-[34]$/);
  assert.match(await hostOf({ project: 'acme' }), /^sim-[34]$/);
  const unknown = await world.coax(
    'run',
    'create_vm',
    'cpu=1',
    'mem=128',
    'placement={"policy":"quite"}',
    '--wait',
  );
  assert.equal(unknown.status, 1);
  assert.match(unknown.stdout, /there is no policy "quite"/);
  const refused = await plan(
    'create_vm',
    'cpu=1',
    'mem=128',
    'labels={"host":"sim-1"}',
    'placement={"policy":"quiet"}',
  );
  assert.equal(refused.placed, 0);
  assert.match(refused.failed!.placement.reason, /not-first removed 1/);
});

test('policies of a file stand beside those that come with Coax', async () => {
  const { stdout } = await world.coax('policy', 'ls', '-o', 'json');
  const { items } = JSON.parse(stdout) as PolicyList;
  assert.deepEqual(
    items.map(({ name }) => name),
    ['pack', 'spread', 'balance', 'tight', 'quiet'],
  );
  assert.deepEqual(
    items.filter(item => item.default).map(({ name }) => name),
    ['pack'],
  );
  assert.deepEqual(items.at(-1), {
    name: 'quiet',
    about: 'Where few VMs are, and never on sim-1',
    builtin: false,
    default: false,
    weighers: { 'free-memory': 1, 'in-b': 10 },
    filters: ['not-first'],
    projects: ['acme'],
    flavors: [],
  });
});

test('a server does not start with a file of policies that is wrong, and says where it is', async () => {
  const other = new CliWorld();
  try {
    const file = other.file(
      'bad.yaml',
      'policies:\n  web:\n    require: [{name: x, cel: "host.naem == \'a\'"}]\n',
    );
    const up = await other.coax('up', '--simulate', '--listen', '127.0.0.1:0', '--placement', file);
    assert.equal(up.status, 2);
    assert.match(up.stderr, /COAX_POLICY_INVALID/);
    assert.match(up.stderr, /bad\.yaml:3:\d+/);
    assert.match(up.stderr, /No such key: naem/);
  } finally {
    await other.close();
  }
});

test('rebalance plans moves that keep what each VM asked, and makes them when it is not told that it is a plan', async () => {
  const create = async (name: string, ...more: string[]): Promise<string> => {
    const run = await world.coax('run', 'create_vm', 'cpu=1', 'mem=128', `name=${name}`, ...more, '--wait');
    assert.equal(run.status, 0, run.stdout + run.stderr);
    return (JSON.parse((await world.coax('vm', 'show', name, '-o', 'json')).stdout) as { host: string }).host;
  };
  const first = await create('first', 'placement={"policy":"spread"}');
  const second = await create('second', 'placement={"policy":"spread"}');
  assert.notEqual(first, second);
  await create('third', `labels={"host":"${first}"}`);
  const third = ['sim-1', 'sim-2', 'sim-3', 'sim-4'].find(host => host !== first && host !== second)!;
  await create('pinned', `labels={"host":"${third}"}`);
  const answer = JSON.parse(
    (await world.coax('rebalance', '--dry-run', '-o', 'json')).stdout,
  ) as RebalanceAnswer;
  assert.equal(answer.hostsInUse, 3);
  assert.deepEqual(answer.freed, [second]);
  assert.deepEqual(
    answer.moves.map(({ vm, from }) => `${vm} ${from}`),
    [`second ${second}`],
  );
  const moved = await world.coax('rebalance', '--wait');
  assert.equal(moved.status, 0, moved.stdout + moved.stderr);
  assert.match(moved.stdout, /second +sim-\d +sim-\d[\s\S]*1 submitted, 1 done, 0 rolled back, 0 parked/);
  const vms = JSON.parse((await world.coax('vm', 'ls', '-o', 'json')).stdout) as {
    items: { host: string }[];
  };
  assert.deepEqual(new Set(vms.items.map(({ host }) => host)), new Set([first, third]));
  const again = await world.coax('rebalance', '--wait', '-o', 'json');
  assert.equal(again.status, 0, again.stderr);
  assert.equal((JSON.parse(again.stdout) as { submitted: number }).submitted, 0);
  const fsck = await world.coax('fsck');
  assert.equal(fsck.status, 0, fsck.stdout);
});

test('a reservation with an end says when, and the server ends it by itself', async () => {
  const wrong = await world.coax('reservation', 'create', 'short', 'cpu=1', 'mem=128', '--until', 'soon');
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /expected a time such as 2026-/);
  const create = (...args: string[]) =>
    world.coax('reservation', 'create', ...args, 'cpu=1', 'mem=128', '--wait');
  assert.equal((await create('long', '--until', '2h')).status, 0);
  const shown = await world.coax('reservation', 'ls');
  assert.match(shown.stdout, /^long +1\/1 .* held +in 1h|^long +1\/1 .* held +in 2h/m);
  assert.equal((await create('short', '--until', '1s')).status, 0);
  for (;;) {
    const { stdout } = await world.coax('reservation', 'ls', '-o', 'name');
    if (stdout === 'long\n') break;
  }
  const ended = await world.coax('ls', '--flow', 'end_reservation', '-o', 'json');
  const { items } = JSON.parse(ended.stdout) as { items: { status: string }[] };
  assert.deepEqual(
    items.map(({ status }) => status),
    ['done'],
  );
  assert.equal((await world.coax('reservation', 'rm', 'long', '--wait')).status, 0);
});
