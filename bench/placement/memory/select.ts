import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { PlacementClaim } from '../../../src/placement/claim.ts';
import { claimOf, Fleet } from '../../../src/placement/fleet.ts';
import type { PlacementHost } from '../../../src/placement/host.ts';
import { type PlacementRequest, placementRequest } from '../../../src/placement/request.ts';
import { comparedRow, median, plainRow, quantile, type Row } from '../../row.ts';
import { LinearScan } from './linear-scan.ts';
import { generateClaims, generateHosts, generateRequests, type Kind } from './world.ts';

const FULL = {
  hosts: 100_000,
  perHost: 12,
  requests: 2000,
  scanned: 60,
  passes: 5,
  sizes: [1000, 10_000, 100_000, 1_000_000],
};
const QUICK = { hosts: 300, perHost: 8, requests: 60, scanned: 20, passes: 1, sizes: [100, 300] };
/** VMs of a host in the rows by number of hosts: few, so that a million hosts fit into memory. */
const FEW = 3;

/** Rows that the chart by size shows begin so. */
export const BY_SIZE = 'in memory, all filters on, few VMs, p50: ';
const SCAN = 'linear scan of typed arrays';

const TITLES: Readonly<Record<Kind, string>> = {
  room: 'CPUs, memory and disk alone',
  filters: 'all filters on',
  gpus: 'all filters on, and GPUs',
  'group-rack': 'a group by racks',
  'one-host': 'a label that one host has',
};

interface World {
  readonly fleet: Fleet;
  readonly scan: LinearScan;
  readonly hosts: readonly PlacementHost[];
  readonly claims: number;
}

/** Choosing in memory, beside a loop over typed arrays that is asked the same and must find a host as good. */
export async function measureSelect(quick: boolean): Promise<Row[]> {
  const { hosts: count, perHost, sizes } = quick ? QUICK : FULL;
  const hosts = generateHosts(count);
  const claims = [...generateClaims(hosts, perHost)];
  const on = `in memory, ${count.toLocaleString('en')} hosts`;
  const before = memoryInUse();
  const cpu = process.cpuUsage();
  const fleet = loaded(hosts, claims, claims.length);
  // The first search puts into the index what came since.
  fleet.select(placementRequest({ cpuMilli: 1000, memMib: 1024 }));
  const { user, system } = process.cpuUsage(cpu);
  const after = memoryInUse();
  const scan = new LinearScan(hosts);
  for (const claim of claims) scan.hold(claim);
  const world = { fleet, scan, hosts, claims: claims.length };
  const rows = [
    plainRow(
      `${on}: CPU time to load ${claims.length.toLocaleString('en')} claims, and be ready`,
      (user + system) / 1e6,
      's',
      'value <= 3',
    ),
    plainRow(`${on}: memory of hosts and claims`, (after - before) / 2 ** 20, 'MiB'),
  ];
  for (const kind of ['filters', 'gpus', 'group-rack', 'one-host', 'room'] as const)
    rows.push(...kindRows(on, world, kind, quick));
  rows.push(
    plainRow(`${on}: chosen, held and released, all filters on`, cyclesPerSecond(world, quick), 'times/s'),
  );
  for (const size of sizes) rows.push(bySize(size, quick));
  return rows;
}

/** Bytes that live after a collection. */
function memoryInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** `expected`: a scheduler counts hosts and claims in its store before it reads them. */
function loaded(hosts: readonly PlacementHost[], claims: Iterable<PlacementClaim>, expected = 0): Fleet {
  const fleet = new Fleet({ expectedHosts: hosts.length, expectedClaims: expected });
  for (const host of hosts) fleet.put(host);
  for (const claim of claims) fleet.hold(claim);
  return fleet;
}

function kindRows(on: string, { fleet, scan, hosts, claims }: World, kind: Kind, quick: boolean): Row[] {
  const { requests: count, scanned, passes } = quick ? QUICK : FULL;
  const requests = generateRequests(kind, count, hosts.length, claims);
  const times = timesOf(requests, passes, request => fleet.select(request));
  const few = requests.slice(0, scanned);
  compare(fleet, scan, few);
  const scans = timesOf(few, passes, request => scan.select(request));
  const each = median(times);
  const goals = kind === 'filters' || kind === 'gpus' ? ['ratio >= 50', 'value <= 50'] : [null, null];
  return [
    comparedRow(
      `${on}: ${TITLES[kind]}, p50`,
      'selects/s',
      SCAN,
      [{ value: 1e6 / each, reference: 1e6 / median(scans) }],
      goals[0],
    ),
    plainRow(`${on}: ${TITLES[kind]}, p99`, quantile(times, 0.99), 'µs', goals[1]),
  ];
}

/** The scan's best is the proof of the fleet's: an error when the two differ. */
function compare(fleet: Fleet, scan: LinearScan, requests: readonly PlacementRequest[]): void {
  for (const request of requests) {
    const choice = fleet.select(request);
    const best = scan.select(request);
    const same =
      choice === null || best === null
        ? choice === best
        : Math.abs(choice.score - best) <= 1e-6 * Math.max(1, Math.abs(best));
    if (!same)
      throw new Error(`the fleet found ${choice?.score}, the scan ${best}, for ${JSON.stringify(request)}`);
  }
}

/** Microseconds of each, the median of several passes after one to warm up: other load on the machine meets one pass or another. */
function timesOf(
  requests: readonly PlacementRequest[],
  passes: number,
  work: (request: PlacementRequest) => unknown,
): number[] {
  for (const request of requests) work(request);
  const found = requests.map(() => new Float64Array(passes));
  for (let pass = 0; pass < passes; pass++) {
    for (let index = 0; index < requests.length; index++) {
      const began = performance.now();
      work(requests[index]!);
      found[index]![pass] = (performance.now() - began) * 1000;
    }
  }
  return found.map(times => median([...times]));
}

/** By CPU time. */
function cyclesPerSecond({ fleet, hosts, claims }: World, quick: boolean): number {
  const requests = generateRequests('filters', (quick ? QUICK : FULL).requests, hosts.length, claims, 4);
  const cycle = (): void => {
    for (const request of requests) {
      const choice = fleet.select(request);
      if (choice === null) continue;
      fleet.hold(claimOf(request, choice, 'bench'));
      fleet.release('bench');
    }
  };
  cycle();
  const cpu = process.cpuUsage();
  cycle();
  const { user, system } = process.cpuUsage(cpu);
  return requests.length / ((user + system) / 1e6);
}

/** The same figure for a fleet of another size, with fewer VMs on each host. */
function bySize(size: number, quick: boolean): Row {
  const { requests: count, scanned, passes } = quick ? QUICK : FULL;
  const hosts = generateHosts(size);
  const scan = new LinearScan(hosts);
  let claims = 0;
  const counted = function* (): Generator<PlacementClaim> {
    for (const claim of generateClaims(hosts, FEW)) {
      claims += 1;
      scan.hold(claim);
      yield claim;
    }
  };
  const fleet = loaded(hosts, counted());
  const requests = generateRequests('filters', count, size, claims);
  const few = requests.slice(0, scanned);
  compare(fleet, scan, few);
  const value = median(timesOf(requests, passes, request => fleet.select(request)));
  const reference = median(timesOf(few, passes, request => scan.select(request)));
  const name = `${BY_SIZE}${size.toLocaleString('en')} hosts`;
  return comparedRow(name, 'µs', SCAN, [{ value, reference }]);
}
