import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../replay/random.ts';
import { claimOf, Fleet } from './fleet.ts';
import { type PlacementHost, placementHost } from './host.ts';
import { placementRequest } from './request.ts';

/** Hosts with GPUs of a few kinds, so that many are equally good. */
function hostsOfAFewKinds(): PlacementHost[] {
  return Array.from({ length: 200 }, (_, at) =>
    placementHost({
      name: `h${at}`,
      cpuMilliTotal: at % 3 === 0 ? 32_000 : 104_000,
      memMibTotal: at % 3 === 0 ? 131_072 : 524_288,
      gpuModel: `G${at % 3}`,
      gpuMilliTotal: new Array<number>(at % 3 === 0 ? 4 : 2).fill(1000),
    }),
  );
}

test('of equal hosts the first wins, whatever came and went in the index before', () => {
  const random = seededRandom(5);
  const hosts = hostsOfAFewKinds();
  const [calm, stirred] = [new Fleet(), new Fleet()];
  for (const host of hosts) for (const fleet of [calm, stirred]) fleet.put(host);
  const held: string[] = [];
  for (let turn = 0; turn < 3000; turn += 1) {
    const host = hosts[random(hosts.length)]!;
    stirred.put({ ...host, state: 'down' });
    stirred.put(host);
    const gpuMilli = [1000, 1000, 500, 370][random(4)]!;
    const cpuMilli = [3152, 4152, 7000, 11_900][random(4)]!;
    const request = placementRequest({
      cpuMilli,
      memMib: [5600, 10_600, 22_888][random(3)]!,
      gpu: 1,
      gpuMilli,
    });
    const choice = calm.select(request);
    assert.deepEqual(stirred.select(request), choice, `turn ${turn}`);
    assert.equal(calm.explain(request).candidates[0]?.host, choice?.host, `turn ${turn}`);
    if (choice === null) continue;
    held.push(`vm-${turn}`);
    for (const fleet of [calm, stirred]) fleet.hold(claimOf(request, choice, `vm-${turn}`));
    if (held.length < 150) continue;
    const [gone] = held.splice(random(held.length), 1);
    for (const fleet of [calm, stirred]) fleet.release(gone!);
  }
});
