/** The index against rules asked of every host, on fleets that change all the time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { claimOf, Fleet } from './fleet.ts';
import { placementHost } from './host.ts';
import { placementRequest } from './request.ts';

const pick = <T>(...values: T[]) => fc.constantFrom(...values);

const anyHost = fc
  .record({
    name: fc.integer({ min: 0, max: 39 }).map(number => `h${number}`),
    state: pick('up' as const, 'up' as const, 'up' as const, 'draining' as const, 'down' as const),
    zone: pick('a', 'b', 'c'),
    rack: pick('r1', 'r2', 'r3', ''),
    labels: fc.record(
      { disk: pick('ssd', 'hdd'), serial: fc.nat(200).map(String), tier: pick('gold') },
      { requiredKeys: [] },
    ),
    cpuMilliTotal: pick(4000, 8000, 8000, 16_000),
    cpuOvercommit: pick(1, 1, 1.5),
    memMibTotal: pick(8192, 16_384, 32_768),
    memMibReserved: pick(0, 0, 512),
    diskMibTotal: pick(0, 10_000, 100_000),
    gpuModel: pick('', '', 't4', 'a100'),
    gpus: fc.integer({ min: 1, max: 4 }),
    numa: pick(
      [],
      [],
      [
        { cpuMilli: 4000, memMib: 8192 },
        { cpuMilli: 4000, memMib: 8192 },
      ],
    ),
    ioLoad: pick(0, 0, 0, 3, 9),
    vmsMax: pick(0, 0, 3),
    accelerator: pick('kvm', 'tcg'),
  })
  .map(({ gpus, ...host }) =>
    placementHost({
      ...host,
      gpuMilliTotal: host.gpuModel === '' ? [] : new Array<number>(gpus).fill(1000),
      labels: { ...host.labels, host: host.name },
    }),
  );

const anyGroup = fc.record({
  name: pick('g1', 'g2'),
  rule: pick('affinity' as const, 'anti-affinity' as const),
  hard: fc.boolean(),
  scope: pick('host' as const, 'rack' as const, 'zone' as const),
});

const anyRequest = fc
  .record({
    cpuMilli: pick(0, 500, 1000, 2000, 4000),
    memMib: pick(0, 512, 1024, 4096, 8192),
    diskMib: pick(0, 0, 0, 5000),
    gpus: pick([0, 0], [0, 0], [1, 300], [1, 1000], [2, 1000], [2, 500]),
    gpuModels: pick([], [], ['t4'], ['t4', 'a100']),
    labels: pick<Record<string, string>>({}, {}, {}, { disk: 'ssd' }, { serial: '7' }, { host: 'h3' }),
    zone: pick('', '', 'a'),
    rack: pick('', '', '', 'r1'),
    image: pick({}, {}, { accelerator: 'kvm' }),
    numa: pick('none' as const, 'none' as const, 'one-cell' as const),
    group: fc.option(anyGroup),
    sameHostAs: pick([], [], [], [], ['vm1', 'vm2']),
    differentHostFrom: pick([], [], [], ['vm1', 'vm2']),
    policy: pick('', 'pack', 'spread', 'balance', 'tight', 'own'),
    exclude: pick([], [], ['h1', 'h2']),
    preemptible: fc.boolean(),
  })
  .map(({ gpus: [gpu, gpuMilli], ...request }) =>
    placementRequest({ ...request, gpu: gpu!, gpuMilli: gpuMilli! }),
  );

const anyChange = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: anyHost }) },
  { weight: 1, arbitrary: fc.record({ remove: fc.integer({ min: 0, max: 39 }) }) },
  { weight: 8, arbitrary: fc.record({ ask: anyRequest, take: fc.boolean(), vm: pick('vm1', 'vm2', '') }) },
  { weight: 3, arbitrary: fc.record({ release: fc.nat() }) },
);

const OWN = {
  own: {
    weights: { 'free-cpu': 0.5, io: 2, shortest: -1 },
    weighers: [{ name: 'shortest', weigh: ({ name }: { name: string }) => name.length }],
    filters: [{ name: 'no-h9', passes: ({ name }: { name: string }) => name !== 'h9' }],
  },
};

/** What is found must be what looking at each host finds: as many, and the best as good. */
function check(fleet: Fleet, request: Parameters<Fleet['select']>[0]): void {
  const record = fleet.explain(request);
  const fit = record.filters.at(-1)!.after;
  const found = fleet.candidates(request, 1000);
  assert.equal(found.length, fit, 'as many hosts as pass every rule');
  assert.equal(new Set(found.map(({ host }) => host)).size, fit);
  const best = fleet.select(request);
  assert.equal(best === null, fit === 0, record.reason);
  for (const [index, { score }] of record.candidates.entries())
    assert.ok(Math.abs(score - found[index]!.score) <= 0.0011, `${index}: ${score} ${found[index]!.score}`);
  if (best === null) return;
  assert.ok(Math.abs(best.score - found[0]!.score) <= 1e-6, `${best.score} is not the best`);
  assert.equal(best.devices.length, request.gpu);
  if (record.candidates.filter(({ score }) => Math.abs(score - best.score) <= 0.0011).length === 1)
    assert.equal(best.host, record.host);
}

test('whatever changes, the index finds what looking at every host finds', () => {
  fc.assert(
    fc.property(
      fc.array(anyHost, { minLength: 20, maxLength: 60, size: 'max' }),
      fc.array(anyChange, { minLength: 20, maxLength: 80, size: 'max' }),
      (hosts, changes) => {
        const fleet = new Fleet({ policies: OWN });
        const held: string[] = [];
        for (const host of hosts) fleet.put(host);
        for (const [index, change] of changes.entries()) {
          if ('put' in change) fleet.put(change.put);
          else if ('remove' in change) fleet.remove(`h${change.remove}`);
          else if ('release' in change)
            fleet.release(held.splice(change.release % (held.length || 1), 1)[0] ?? '');
          else {
            check(fleet, change.ask);
            const choice = fleet.select(change.ask);
            if (choice === null || !change.take) continue;
            fleet.hold(claimOf(change.ask, choice, `c${index}`, change.vm));
            held.push(`c${index}`);
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});
