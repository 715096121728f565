import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseHost, recordWinner } from './choose-host.ts';
import type { HostRequest, HostSnapshot } from './host-snapshot.ts';

const host = (name: string, more: Partial<HostSnapshot> = {}): HostSnapshot => ({
  name,
  state: 'up',
  reason: '',
  zone: 'a',
  simulated: true,
  cpuLimit: 8,
  memLimitMib: 32_768,
  cpuUsed: 0,
  memUsedMib: 0,
  ...more,
  labels: { host: name, ...more.labels },
});
const ask = (more: Partial<HostRequest> = {}): HostRequest => ({
  cpu: 2,
  memMib: 4096,
  labels: {},
  zone: '',
  ...more,
});
const first = () => 0;

test('the host with the most room wins, and the record says why', () => {
  const hosts = [host('full', { memUsedMib: 30_000 }), host('half', { memUsedMib: 16_384 }), host('empty')];
  const { tries, record } = chooseHost(hosts, ask(), first);
  assert.deepEqual(
    tries.map(({ name }) => name),
    ['empty', 'half'],
  );
  assert.deepEqual(record.filters.at(-1), {
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
  const won = recordWinner(record, tries[0]!, 0);
  assert.equal(won.host, 'empty');
  assert.equal(won.reason, 'empty: 2 of 3 hosts fit, score 2.000 by free memory and CPU');
  assert.match(recordWinner(record, tries[1]!, 1).reason, /^half: .*; 1 better one was taken meanwhile$/);
});

test('when none fits, one sentence says which rule removed how many, and what would fit', () => {
  const { tries, record } = chooseHost(
    [host('node-a', { memLimitMib: 22_528 })],
    ask({ memMib: 409_600 }),
    first,
  );
  assert.deepEqual(tries, []);
  assert.equal(
    record.reason,
    'no host fits cpu=2 mem=409600: 1 host, memory removed 1 (most free: 22,528 MiB on node-a); ask for at most mem=22528',
  );
});

test('each rule names its own remedy', () => {
  const reason = (hosts: HostSnapshot[], more: Partial<HostRequest>) =>
    chooseHost(hosts, ask(more), first).record.reason;
  assert.match(reason([], {}), /there are no hosts; start a server/);
  assert.match(
    reason([host('a', { state: 'down', reason: 'QEMU is not installed' })], {}),
    /1 host, up removed 1 \(a is down: QEMU is not installed\);.*--simulate/,
  );
  assert.match(reason([host('a')], { zone: 'z' }), /zone=z: 1 host, zone removed 1 .*; ask for zone a$/);
  assert.match(
    reason([host('a', { labels: { gpu: 't4' } })], { labels: { gpu: 'a100' } }),
    /labels removed 1 \(a has gpu=t4\); ask for gpu=t4$/,
  );
  assert.match(
    reason([host('a')], { labels: { gpu: 'a100' } }),
    /\(a has no label gpu\); leave the label gpu out$/,
  );
  assert.match(
    reason([host('a', { cpuUsed: 5 })], { cpu: 4 }),
    /most free: 3 CPUs on a\); ask for at most cpu=3$/,
  );
  assert.match(reason([host('a', { cpuUsed: 8 })], { cpu: 4 }), /remove a VM, or add a host$/);
  // The fix is for the rule that emptied the list: memory on a host that has the CPUs.
  assert.match(
    reason([host('a', { cpuUsed: 8 }), host('b', { memUsedMib: 30_720 })], {}),
    /2 hosts, cpu removed 1, memory removed 1 \(most free: 2,048 MiB on b\); ask for at most mem=2048$/,
  );
});

test('a host may be asked for by its name, as a label', () => {
  const { tries } = chooseHost([host('a'), host('b')], ask({ labels: { host: 'b' } }), first);
  assert.deepEqual(
    tries.map(({ name }) => name),
    ['b'],
  );
});

test('equals win by chance, and among many the winner is one of the best hundredth', () => {
  const equal = [host('a'), host('b'), host('c')];
  const winners = [0, 1, 2].map(start => chooseHost(equal, ask(), bound => start % bound).tries[0]!.name);
  assert.deepEqual(winners, ['a', 'b', 'c']);
  const many = Array.from({ length: 1000 }, (_, index) => host(`h${index}`, { memUsedMib: index * 20 }));
  const winner = chooseHost(many, ask(), bound => bound - 1).tries[0]!;
  assert.equal(winner.name, 'h9');
});

const anyHost = fc.record({
  up: fc.boolean(),
  cpuUsed: fc.integer({ min: 0, max: 8 }),
  memUsedMib: fc.integer({ min: 0, max: 32_768 }),
  zone: fc.constantFrom('a', 'b'),
});

test('whoever is tried fits, whoever fits and is not among the first is no better, and the counts add up', () => {
  fc.assert(
    fc.property(
      fc.array(anyHost, { maxLength: 120 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 32_768 }),
      fc.constantFrom('', 'a', 'b'),
      fc.nat(),
      (raw, cpu, memMib, zone, chance) => {
        const hosts = raw.map(({ up, ...more }, index) =>
          host(`h${index}`, { ...more, state: up ? 'up' : 'down' }),
        );
        const { tries, record } = chooseHost(hosts, ask({ cpu, memMib, zone }), bound => chance % bound);
        const fits = (one: HostSnapshot) =>
          one.state === 'up' &&
          (zone === '' || one.zone === zone) &&
          one.cpuUsed + cpu <= 8 &&
          one.memUsedMib + memMib <= 32_768;
        const fitting = hosts.filter(fits);
        assert.equal(tries.length, Math.min(64, fitting.length));
        assert.ok(tries.every(fits));
        assert.equal(new Set(tries).size, tries.length);
        const score = (one: HostSnapshot) => -one.memUsedMib / 32_768 - one.cpuUsed / 8;
        const worst = Math.min(...tries.map(score));
        const left = fitting.filter(one => !tries.includes(one));
        assert.ok(left.every(one => score(one) <= worst + 1e-9));
        assert.equal(record.filters[0]!.before, hosts.length);
        assert.equal(record.filters.at(-1)!.after, fitting.length);
        assert.ok(record.filters.every(({ before, removed, after }) => before - removed === after));
        assert.equal(record.reason === '', fitting.length > 0);
      },
    ),
    { numRuns: 200 },
  );
});
