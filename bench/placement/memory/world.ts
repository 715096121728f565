import { type PlacementClaim, placementClaim } from '../../../src/placement/claim.ts';
import { type PlacementHost, placementHost } from '../../../src/placement/host.ts';
import { type PlacementRequest, placementRequest } from '../../../src/placement/request.ts';
import { seededRandom } from '../../../src/replay/random.ts';

type Random = (bound: number) => number;

/** Kinds of requests: `filters` uses every rule but GPUs, `gpus` those too, `one-host` names a label that one host alone has. */
export const KINDS = ['room', 'filters', 'gpus', 'group-rack', 'one-host'] as const;
export type Kind = (typeof KINDS)[number];

const ZONES = ['a', 'b', 'c', 'd'];
const MODELS = ['T4', 'A10', 'A100'];
const DISKS = ['ssd', 'ssd', 'hdd'];
const LINKS = ['10g', '25g', '25g', '100g'];
const CPUS = [1, 2, 2, 4, 4, 8];
const MIB_PER_CPU = [1024, 2048, 4096];
const HOSTS_OF_A_RACK = 40;
const VMS_OF_A_GROUP = 8;
const GIB = 1024;

/** Hosts as a cloud has them: three generations, one in ten with GPUs, a few not up, a few busy or limited. The same from the same seed. */
export function generateHosts(count: number, seed = 1): PlacementHost[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => hostAt(index, random));
}

function hostAt(index: number, random: Random): PlacementHost {
  const cpus = pick(random, [64, 96, 128]);
  const memMib = cpus * 4 * GIB;
  const hasGpus = index % 10 === 9;
  const rack = Math.floor(index / HOSTS_OF_A_RACK);
  return placementHost({
    name: `host-${index}`,
    state: random(33) > 0 ? 'up' : pick(random, ['draining', 'down', 'lost']),
    zone: ZONES[rack % ZONES.length] as string,
    rack: `rack-${rack}`,
    labels: { host: `host-${index}`, disk: pick(random, DISKS), link: pick(random, LINKS) },
    cpuMilliTotal: cpus * 1000,
    memMibTotal: memMib,
    memMibReserved: 4 * GIB,
    diskMibTotal: 4000 * GIB,
    gpuModel: hasGpus ? pick(random, MODELS) : '',
    gpuMilliTotal: hasGpus ? new Array<number>(pick(random, [4, 8])).fill(1000) : [],
    numa: [0, 1].map(() => ({ cpuMilli: cpus * 500, memMib: memMib / 2 })),
    ioLoad: random(20) === 0 ? 9 : random(4),
    vmsMax: random(10) === 0 ? 12 : 0,
    accelerator: random(50) === 0 ? 'tcg' : 'kvm',
    hypervisor: 'qemu',
  });
}

/**
 * What lives there: each host is filled up to a share by chance, 30 to 100 %, by about `perHost` VMs at most; one in five is of a group. A
 * generator, since there may be millions.
 */
export function* generateClaims(
  hosts: readonly PlacementHost[],
  perHost: number,
  seed = 2,
): Generator<PlacementClaim> {
  const random = seededRandom(seed);
  let number = 0;
  for (const host of hosts) {
    const share = (3 + random(8)) / 10;
    const cells = host.numa.map(cell => ({ ...cell }));
    let cpuLeft = host.cpuMilliTotal * share;
    let memLeft = (host.memMibTotal - host.memMibReserved) * share;
    const most = host.vmsMax > 0 ? Math.min(perHost, host.vmsMax) : perHost;
    for (let vm = 0; vm < most; vm++) {
      const cpuMilli = pick(random, CPUS) * 1000 * Math.max(1, Math.round(16 / perHost));
      const memMib = (cpuMilli / 1000) * pick(random, MIB_PER_CPU);
      const cell = cells.findIndex(one => one.cpuMilli >= cpuMilli && one.memMib >= memMib);
      if (cpuMilli > cpuLeft || memMib > memLeft || cell < 0) break;
      cells[cell]!.cpuMilli -= cpuMilli;
      cells[cell]!.memMib -= memMib;
      cpuLeft -= cpuMilli;
      memLeft -= memMib;
      const gpu = host.gpuMilliTotal.length > vm && random(2) === 0 ? 1 : 0;
      yield placementClaim({
        id: `claim-${number}`,
        host: host.name,
        cpuMilli,
        memMib,
        diskMib: 20 * GIB,
        gpu,
        gpuMilli: gpu > 0 ? 1000 : 0,
        devices: gpu > 0 ? [vm] : [],
        cell,
        group: random(5) === 0 ? `group-${Math.floor(number / VMS_OF_A_GROUP)}` : '',
        vm: `vm-${number}`,
        project: `project-${number % 100}`,
      });
      number += 1;
    }
  }
}

/** Requests of a kind. `vms`: how many there are to name. */
export function generateRequests(
  kind: Kind,
  count: number,
  hosts: number,
  vms: number,
  seed = 3,
): PlacementRequest[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => {
    const cpus = pick(random, CPUS);
    const room = { cpuMilli: cpus * 1000, memMib: cpus * pick(random, MIB_PER_CPU), diskMib: 20 * GIB };
    if (kind === 'room') return placementRequest(room);
    if (kind === 'one-host')
      return placementRequest({
        ...room,
        cpuMilli: 1000,
        memMib: GIB,
        labels: { host: `host-${random(hosts)}` },
      });
    const vm = random(vms);
    const name = `group-${Math.floor(vm / VMS_OF_A_GROUP)}`;
    if (kind === 'group-rack')
      return placementRequest({
        ...room,
        group: { name, rule: pick(random, ['affinity', 'anti-affinity']), hard: true, scope: 'rack' },
      });
    return placementRequest({
      ...room,
      zone: pick(random, ZONES),
      labels: { disk: pick(random, DISKS), link: pick(random, LINKS) },
      image: { accelerator: 'kvm', hypervisor: 'qemu' },
      numa: 'one-cell',
      group: { name, rule: 'anti-affinity', hard: true, scope: pick(random, ['host', 'rack']) },
      differentHostFrom: [`vm-${vm}`, `vm-${random(vms)}`],
      exclude: [`host-${random(hosts)}`],
      ...(kind === 'gpus' ? gpusAsked(random) : {}),
    });
  });
}

function gpusAsked(random: Random): Partial<PlacementRequest> {
  const gpu = pick(random, [1, 1, 1, 2, 4]);
  const gpuMilli = gpu === 1 ? pick(random, [1000, 500, 250]) : 1000;
  return { gpu, gpuMilli, gpuModels: pick(random, [[], [], ['T4'], ['A10', 'A100']]) };
}

const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)]!;
