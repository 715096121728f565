import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PlacementClaim, placementClaim } from './claim.ts';
import { recordWinner } from './explain.ts';
import { claimOf, Fleet } from './fleet.ts';
import { type PlacementHost, placementHost } from './host.ts';
import { type PlacementRequest, placementRequest } from './request.ts';

const host = (name: string, more: Partial<PlacementHost> = {}): PlacementHost =>
  placementHost({ name, zone: 'a', cpuMilliTotal: 8000, memMibTotal: 32_768, ...more });
const ask = (more: Partial<PlacementRequest> = {}): PlacementRequest =>
  placementRequest({ cpuMilli: 2000, memMib: 4096, ...more });
const fleetOf = (...hosts: PlacementHost[]): Fleet => {
  const fleet = new Fleet();
  for (const one of hosts) fleet.put(one);
  return fleet;
};
const claim = (id: string, on: string, more: Partial<PlacementClaim> = {}): PlacementClaim =>
  placementClaim({ id, host: on, vm: id, cpuMilli: 1000, memMib: 1024, ...more });
const reason = (fleet: Fleet, more: Partial<PlacementRequest>): string => fleet.explain(ask(more)).reason;

test('the record says what each rule removed, who is best, and why', () => {
  const fleet = fleetOf(host('full'), host('half'), host('empty'));
  fleet.hold(claim('x', 'full', { cpuMilli: 0, memMib: 30_000 }));
  fleet.hold(claim('y', 'half', { cpuMilli: 0, memMib: 16_384 }));
  const record = fleet.explain(ask({ policy: 'spread' }));
  assert.deepEqual(record.filters[1], {
    name: 'memory',
    before: 3,
    removed: 1,
    after: 2,
    examples: [{ host: 'full', reason: '2,768 MiB free' }],
  });
  assert.deepEqual(record.candidates[1], {
    host: 'half',
    score: 1.5,
    parts: { 'free-memory': 0.5, 'free-cpu': 1 },
  });
  assert.equal(record.reason, 'empty: 2 of 3 hosts fit, score 2.000 by free memory and CPU');
  assert.match(recordWinner(record, 'half', 1).reason, /^half: .*; 1 better one was taken meanwhile$/);
  assert.match(reason(fleet, {}), /^half: 2 of 3 hosts fit, score 1.000 by packing$/);
  assert.equal(JSON.stringify(record), JSON.stringify(JSON.parse(JSON.stringify(record))));
});

test('when none fits, one sentence says which rule removed how many, and what would fit', () => {
  assert.equal(
    reason(fleetOf(host('node-a', { memMibTotal: 22_528 })), { memMib: 409_600 }),
    'no host fits cpu=2 mem=409600: 1 host, memory removed 1 (most free: 22,528 MiB on node-a); ask for at most mem=22528',
  );
  assert.match(reason(fleetOf(), {}), /there are no hosts; start a server/);
  const down = host('a', { state: 'down', reason: 'QEMU is not installed' });
  assert.match(
    reason(fleetOf(down), {}),
    /1 host, up removed 1 \(a is down: QEMU is not installed\);.*--simulate/,
  );
  assert.match(
    reason(fleetOf(host('a')), { zone: 'z' }),
    /zone=z: 1 host, zone removed 1 .*; ask for zone a$/,
  );
  const labelled = fleetOf(host('a', { labels: { gpu: 't4' } }));
  assert.match(reason(labelled, { labels: { gpu: 'a100' } }), /\(a has gpu=t4\); ask for gpu=t4$/);
  assert.match(
    reason(labelled, { labels: { tier: '1' } }),
    /\(a has no label tier\); leave the label tier out$/,
  );
  const busy = fleetOf(host('a'));
  busy.hold(claim('x', 'a', { cpuMilli: 5000 }));
  assert.match(reason(busy, { cpuMilli: 4000 }), /most free: 3 CPUs on a\); ask for at most cpu=3$/);
  busy.hold(claim('x', 'a', { cpuMilli: 8000 }));
  assert.match(reason(busy, { cpuMilli: 4000 }), /remove a VM, or add a host$/);
});

test('the fix is for a rule that alone refuses a host, and one that asking for less helps', () => {
  const fleet = fleetOf(host('a'), host('b'));
  fleet.hold(claim('x', 'a', { cpuMilli: 8000 }));
  fleet.hold(claim('y', 'b', { memMib: 30_720 }));
  assert.match(
    reason(fleet, {}),
    /2 hosts, memory removed 1, cpu removed 1 \(most free: 2,048 MiB on b\); ask for at most mem=2048$/,
  );
});

test('each rule has its own words', () => {
  const gpus = host('g', { gpuModel: 't4', gpuMilliTotal: [1000, 1000], labels: {} });
  const words = (more: Partial<PlacementHost>, asked: Partial<PlacementRequest>) =>
    reason(fleetOf(host('a', more)), asked);
  assert.match(words({ diskMibTotal: 100 }, { diskMib: 200 }), /disk removed 1 .*at most disk=100$/);
  assert.match(words({ rack: 'r1' }, { rack: 'r2' }), /rack removed 1 .*; ask for rack r1$/);
  assert.match(
    words({ accelerator: 'tcg' }, { image: { accelerator: 'kvm' } }),
    /image removed 1 \(a has tcg\)/,
  );
  assert.match(
    words({ numa: [{ cpuMilli: 1000, memMib: 32_768 }] }, { numa: 'one-cell' }),
    /numa removed 1 \(a has 1 CPUs with 32768 MiB free/,
  );
  assert.match(words({}, { gpu: 1, gpuMilli: 1000 }), /gpu removed 1 \(no host has a GPU\)/);
  assert.match(
    reason(fleetOf(gpus), { gpu: 3, gpuMilli: 1000 }),
    /\(g: 2 of 2 GPUs free, the most on one 1000\/1000\); ask for fewer/,
  );
  assert.match(
    reason(fleetOf(gpus), { gpu: 1, gpuMilli: 1000, gpuModels: ['a100'] }),
    /no host has a100\); ask for t4$/,
  );
  assert.match(words({ ioLoad: 8 }, {}), /io removed 1 \(a has 8 operations under way\)/);
  assert.match(words({}, { exclude: ['a'] }), /excluded removed 1 \(a is ruled out\)/);
  const one = fleetOf(host('a', { vmsMax: 1 }));
  one.hold(claim('x', 'a', { group: 'g' }));
  assert.match(reason(one, {}), /vms removed 1 \(a has 1 VMs of at most 1\)/);
  const group = { name: 'g', rule: 'anti-affinity', hard: true, scope: 'host' } as const;
  one.put(host('a'));
  assert.match(reason(one, { group }), /group=g \(anti-affinity, host\): .*\(a has a VM of g in its host\)/);
  one.put(host('b'));
  assert.match(
    reason(one, { cpuMilli: 8000, group: { ...group, rule: 'affinity' } }),
    /cpu removed 1, affinity removed 1/,
  );
  assert.match(reason(one, { cpuMilli: 8000, sameHostAs: ['x'] }), /same-host removed 1/);
  assert.match(reason(one, { differentHostFrom: ['x'], exclude: ['b'] }), /different-host removed 1/);
});

test('what is kept for the host does not count, overcommit does; a claim that is held anew takes the place of the old one', () => {
  const fleet = fleetOf(host('a', { cpuOvercommit: 2, cpuMilliReserved: 1000, memMibReserved: 768 }));
  assert.equal(fleet.view('a')!.cpuMilliFree, 14_000);
  assert.equal(fleet.view('a')!.memMibFree, 32_000);
  fleet.hold(claim('x', 'a'));
  fleet.hold(claim('x', 'a', { cpuMilli: 3000 }));
  assert.equal(fleet.view('a')!.cpuMilliFree, 11_000);
  fleet.put(host('a'));
  assert.equal(fleet.view('a')!.cpuMilliFree, 5000, 'claims stay when the host changes');
  fleet.release('x');
  fleet.release('x');
  assert.equal(fleet.view('a')!.cpuMilliFree, 8000);
});

test('claims wait for a host that is not there', () => {
  const fleet = fleetOf();
  fleet.hold(claim('early', 'a'));
  fleet.hold(claim('gone', 'a'));
  fleet.release('gone');
  assert.deepEqual(
    [...fleet.claims()].map(({ id }) => id),
    ['early'],
  );
  fleet.put(host('a'));
  assert.equal(fleet.view('a')!.vms, 1);
  fleet.remove('a');
  assert.equal(fleet.size, 0);
  assert.equal(fleet.select(ask()), null);
  fleet.put(host('a'));
  assert.deepEqual(fleet.claimsOn('a'), [claim('early', 'a')]);
});

test('a branch and its origin do not see each other', () => {
  const fleet = fleetOf(host('a'), host('b'));
  fleet.hold(claim('x', 'a', { group: 'g' }));
  const branch = fleet.branch();
  branch.hold(claim('y', 'b', { cpuMilli: 8000 }));
  branch.release('x');
  fleet.hold(claim('z', 'a', { cpuMilli: 7000 }));
  fleet.remove('b');
  branch.put(host('c', { labels: { disk: 'ssd' } }));
  assert.deepEqual([...branch.claims()], [claim('y', 'b', { cpuMilli: 8000 })]);
  assert.equal(branch.select(ask({ cpuMilli: 8000 }))?.host, 'a');
  assert.equal(branch.select(ask({ labels: { disk: 'ssd' } }))?.host, 'c');
  assert.equal(fleet.select(ask()), null);
  assert.equal(fleet.size, 1);
  assert.deepEqual(
    fleet
      .claimsOn('a')
      .map(({ id }) => id)
      .sort(),
    ['x', 'z'],
  );
});

test('a gang is placed as a whole, or the first that has no place is named', () => {
  const fleet = fleetOf(host('a'), host('b'), host('c'));
  const group = { name: 'g', rule: 'anti-affinity', hard: true, scope: 'host' } as const;
  const member = ask({ group });
  const choices = fleet.selectAll([member, member, member]);
  assert.ok(Array.isArray(choices));
  assert.deepEqual(choices.map(choice => choice.host).sort(), ['a', 'b', 'c']);
  assert.equal([...fleet.claims()].length, 0, 'nothing is claimed');
  const failure = fleet.selectAll([member, member, member, member]);
  assert.ok(!Array.isArray(failure));
  assert.equal(failure.failedAt, 3);
  assert.match(failure.record.reason, /anti-affinity removed 3/);
  assert.equal([...fleet.claims()].length, 0);
});

test('a soft rule is kept where it can be, and broken where it must be, as little as possible', () => {
  const fleet = fleetOf(host('a'), host('b'));
  const soft = { name: 'g', rule: 'anti-affinity', hard: false, scope: 'host' } as const;
  const hosts = ['1', '2', '3', '4', '5'].map(id => {
    const choice = fleet.select(ask({ cpuMilli: 1000, group: soft }))!;
    fleet.hold(claimOf(ask({ cpuMilli: 1000, group: soft }), choice, id));
    return choice.host;
  });
  assert.deepEqual([...hosts.slice(0, 4)].sort(), ['a', 'a', 'b', 'b']);
  fleet.hold(claim('x', 'b', { group: 'h', cpuMilli: 5000 }));
  const near = { name: 'h', rule: 'affinity', hard: false, scope: 'host' } as const;
  assert.equal(fleet.select(ask({ cpuMilli: 1000, memMib: 100, group: near }))?.host, 'b');
  assert.equal(fleet.select(ask({ cpuMilli: 4000, memMib: 100, group: near }))?.host, 'a');
});

test('the fewest preemptible claims make room, and of those the smallest; none for a preemptible request', () => {
  const fleet = fleetOf(host('a'), host('b'));
  for (const id of ['1', '2', '3', '4']) fleet.hold(claim(id, 'a', { cpuMilli: 2000, preemptible: true }));
  fleet.hold(claim('big', 'b', { cpuMilli: 5000, memMib: 8192, preemptible: true }));
  fleet.hold(claim('fixed', 'b', { cpuMilli: 3000 }));
  assert.deepEqual(
    fleet.preempt(ask({ cpuMilli: 4000 }))?.victims.map(({ id }) => id),
    ['big'],
  );
  assert.deepEqual(fleet.preempt(ask({ cpuMilli: 2000 }))?.host, 'a');
  assert.equal(fleet.preempt(ask({ cpuMilli: 6000 }))?.victims.length, 3);
  assert.equal(fleet.preempt(ask({ cpuMilli: 9000 })), null);
  assert.equal(fleet.preempt(ask({ cpuMilli: 1000, preemptible: true })), null);
  assert.equal([...fleet.claims()].length, 6, 'nobody was evicted yet');
  assert.equal(fleet.view('a')!.cpuMilliFree, 0);
});

test('a rebalancing empties hosts as a whole, into hosts that are in use, within its limit', () => {
  const fleet = fleetOf(host('a'), host('b'), host('c'), host('d'));
  fleet.hold(claim('1', 'a'));
  fleet.hold(claim('2', 'b'));
  fleet.hold(claim('3', 'b'));
  fleet.hold(claim('4', 'c'));
  fleet.hold(claim('5', 'c'));
  fleet.hold(claim('6', 'c'));
  const all = fleet.rebalance();
  assert.deepEqual([...all.freed].sort(), ['a', 'b']);
  assert.equal(all.moves.length, 3);
  assert.ok(all.moves.every(({ to }) => to === 'c'));
  assert.deepEqual(fleet.rebalance({ maxMoves: 1 }).freed, ['a']);
  assert.deepEqual(fleet.rebalance({ requestOf: () => null }), { moves: [], freed: [] });
  assert.equal(fleet.claimsOn('a').length, 1, 'nothing was moved');
});

test('equals win by chance where chance is given, and always the same one where not', () => {
  const hosts = Array.from({ length: 40 }, (_, at) => host(`h${at}`));
  assert.equal(fleetOf(...hosts).select(ask())?.host, 'h0');
  let next = 0;
  const fleet = new Fleet({ random: bound => (next = (next + 7_654_321) % bound) });
  for (const one of hosts) fleet.put(one);
  const winners = new Set(Array.from({ length: 200 }, () => fleet.select(ask())?.host));
  assert.ok(winners.size > 10, `${winners.size} of 40`);
});

test('each shard has hosts of its own first, and takes the others when it has none left', () => {
  const fleet = fleetOf(...Array.from({ length: 60 }, (_, at) => host(`h${at}`, { vmsMax: 1 })));
  const peers = ['s1', 's2', 's3'];
  const firsts = new Map<string, string>();
  for (const name of peers) {
    for (const { host: one } of fleet.candidates(ask(), 12, { shard: { name, peers } })) {
      assert.equal(firsts.get(one), undefined, `${one} is of two shards`);
      firsts.set(one, name);
    }
  }
  assert.equal(fleet.candidates(ask(), 60, { shard: { name: 's1', peers } }).length, 60);
  assert.equal(
    fleet.select(ask(), { shard: { name: 's1', peers } })?.host,
    fleet.candidates(ask(), 1, { shard: { name: 's1', peers } })[0]?.host,
  );
});

test('traits of many values tell no classes apart, and are found all the same', () => {
  const fleet = fleetOf(
    ...Array.from({ length: 300 }, (_, at) =>
      host(`h${at}`, { rack: `r${at % 100}`, labels: { host: `h${at}`, serial: String(at) } }),
    ),
  );
  assert.equal(fleet.select(ask({ labels: { serial: '217' } }))?.host, 'h217');
  assert.equal(fleet.select(ask({ labels: { host: 'h5' } }))?.host, 'h5');
  assert.equal(fleet.select(ask({ labels: { host: 'h5' }, rack: 'r6' })), null);
  assert.equal(fleet.candidates(ask({ rack: 'r42' }), 10).length, 3);
  fleet.put(host('h142', { state: 'draining', rack: 'r42' }));
  assert.equal(fleet.candidates(ask({ rack: 'r42' }), 10).length, 2);
  fleet.hold(claim('x', 'h42', { group: 'g' }));
  const group = { name: 'g', rule: 'affinity', hard: true, scope: 'rack' } as const;
  assert.deepEqual(
    fleet.candidates(ask({ group }), 10).map(choice => choice.host),
    ['h42', 'h242'],
  );
  assert.equal(fleet.candidates(ask({ group: { ...group, rule: 'anti-affinity' } }), 500).length, 297);
});

test('hosts that a list found by a rare trait gains or loses are seen on one side of a branch alone', () => {
  const fleet = fleetOf(...Array.from({ length: 200 }, (_, at) => host(`h${at}`, { rack: `r${at % 100}` })));
  const inRack = (side: Fleet): string =>
    side
      .candidates(ask({ rack: 'r7' }), 10)
      .map(choice => choice.host)
      .sort()
      .join(' ');
  const branch = fleet.branch();
  const twig = branch.branch();
  branch.put(host('new', { rack: 'r7' }));
  fleet.put(host('h7', { state: 'down', rack: 'r7' }));
  fleet.put(host('newer', { rack: 'r7' }));
  twig.remove('h107');
  assert.deepEqual([fleet, branch, twig].map(inRack), ['h107 newer', 'h107 h7 new', 'h7']);
});

test('a policy that is not there, and a weigher that is not, are refused', () => {
  assert.throws(() => fleetOf(host('a')).select(ask({ policy: 'none' })), /there is no policy "none"/);
  assert.throws(
    () => new Fleet({ policies: { own: { weights: { lightest: 1 } } } }),
    /no weigher "lightest"/,
  );
  assert.throws(() => new Fleet({ policies: { own: { weights: { pack: Number.NaN } } } }), /is no number/);
});

test('a label that is asked for with an empty value is asked for all the same', () => {
  const fleet = fleetOf(host('without'), host('with', { labels: { disk: '' } }));
  assert.equal(fleet.select(ask({ labels: { disk: '' } }))?.host, 'with');
  fleet.remove('with');
  assert.equal(fleet.select(ask({ labels: { disk: '' } })), null);
});

test('classes of hosts that come and go between searches are found, and no longer', () => {
  const fleet = fleetOf(host('a', { zone: 'one' }));
  const inZone = (zone: string): string | undefined => fleet.select(ask({ zone }))?.host;
  assert.equal(inZone('two'), undefined);
  fleet.put(host('b', { zone: 'two' }));
  assert.equal(inZone('two'), 'b');
  fleet.put(host('b', { zone: 'three' }));
  assert.deepEqual([inZone('two'), inZone('three'), inZone('one')], [undefined, 'b', 'a']);
});
