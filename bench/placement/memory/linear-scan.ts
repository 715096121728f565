import type { PlacementClaim } from '../../../src/placement/claim.ts';
import { cpuMilliLimit, diskMibLimit, memMibLimit, type PlacementHost } from '../../../src/placement/host.ts';
import { packCost, packDevices } from '../../../src/placement/packing/pack-cost.ts';
import type { PlacementRequest } from '../../../src/placement/request.ts';

/** A host with more operations under way takes no VM: the same bound as the fleet's. */
const IO_LOAD_MAX = 8;
const NUMA_CELLS = 2;
/** VMs against the unit of the cost, as the weigher `pack` counts them. */
const VMS_OF_A_COST = 1e4;

/**
 * The floor: typed arrays and one loop over all hosts, which asks the same rules and finds the best by the default policy. Cheap rules first,
 * and a host that cannot be better than the best so far is passed over.
 */
export class LinearScan {
  readonly #hosts: readonly PlacementHost[];
  readonly #cpu: Int32Array;
  readonly #mem: Int32Array;
  readonly #disk: Int32Array;
  readonly #vms: Int32Array;
  readonly #vmsMax: Int32Array;
  readonly #open: Uint8Array;
  readonly #zone: Int32Array;
  readonly #rack: Int32Array;
  readonly #image: Int32Array;
  /** A bit for each `name=value` that more than one host has; `#single` has the others. */
  readonly #labels: Int32Array;
  readonly #cellCpu: Int32Array;
  readonly #cellMem: Int32Array;
  readonly #hasGpus: Uint8Array;
  readonly #gpus: number[][];
  readonly #numbers = new Map<string, number>();
  readonly #bits = new Map<string, number>();
  readonly #single = new Map<string, number>();
  readonly #at = new Map<string, number>();
  readonly #hostsOfGroup = new Map<string, number[]>();
  readonly #hostOfVm = new Map<string, number>();
  readonly #modelShare = new Map<string, number>();

  constructor(hosts: readonly PlacementHost[]) {
    const ints = (of: (host: PlacementHost) => number): Int32Array => Int32Array.from(hosts, of);
    this.#hosts = hosts;
    this.#cpu = ints(cpuMilliLimit);
    this.#mem = ints(memMibLimit);
    this.#disk = ints(diskMibLimit);
    this.#vms = ints(() => 0);
    this.#vmsMax = ints(({ vmsMax }) => (vmsMax > 0 ? vmsMax : 2 ** 30));
    this.#open = Uint8Array.from(hosts, host => Number(host.state === 'up' && host.ioLoad < IO_LOAD_MAX));
    this.#zone = ints(({ zone }) => this.#number(`zone ${zone}`));
    this.#rack = ints(({ rack }) => this.#number(`rack ${rack}`));
    this.#image = ints(host => this.#number(imageOf(host)));
    this.#labels = ints(() => 0);
    this.#cellCpu = cellsOf(hosts, cell => cell.cpuMilli);
    this.#cellMem = cellsOf(hosts, cell => cell.memMib);
    this.#gpus = hosts.map(({ gpuMilliTotal }) => [...gpuMilliTotal]);
    this.#hasGpus = Uint8Array.from(hosts, ({ gpuMilliTotal }) => Number(gpuMilliTotal.length > 0));
    for (const [at, { name }] of hosts.entries()) this.#at.set(name, at);
    this.#label();
    this.#share();
  }

  hold({ host, cpuMilli, memMib, diskMib, gpuMilli, devices, cell, group, vm }: PlacementClaim): void {
    const at = this.#at.get(host)!;
    this.#cpu[at]! -= cpuMilli;
    this.#mem[at]! -= memMib;
    this.#disk[at]! -= diskMib;
    this.#vms[at]! += 1;
    for (const device of devices) this.#gpus[at]![device]! -= gpuMilli;
    if (cell >= 0) {
      this.#cellCpu[at * NUMA_CELLS + cell]! -= cpuMilli;
      this.#cellMem[at * NUMA_CELLS + cell]! -= memMib;
    }
    if (vm !== '') this.#hostOfVm.set(vm, at);
    if (group === '') return;
    const of = this.#hostsOfGroup.get(group);
    if (of) of.push(at);
    else this.#hostsOfGroup.set(group, [at]);
  }

  /** The score of the best host, as the fleet tells it, or null when none fits. */
  select(request: PlacementRequest): number | null {
    // A host with GPUs is taken by others only when no other host fits.
    const plain = request.gpu === 0 ? this.#pass(request, 0) : null;
    return plain ?? this.#pass(request, 1);
  }

  #pass(request: PlacementRequest, gpus: 0 | 1): number | null {
    const { cpuMilli, memMib, diskMib, group } = request;
    const zone = request.zone === '' ? -1 : this.#known(`zone ${request.zone}`);
    const { accelerator } = request.image;
    const image = accelerator
      ? this.#known(imageOf({ accelerator, hypervisor: request.image.hypervisor ?? '' }))
      : -1;
    const { bits, single } = this.#wanted(request);
    const near = this.#near(request);
    const wantsNear = group?.rule === 'affinity';
    const places = group?.scope === 'rack' ? this.#rack : null;
    const others = new Set(request.differentHostFrom.map(vm => this.#hostOfVm.get(vm) ?? -1));
    for (const name of request.exclude) others.add(this.#at.get(name) ?? -1);
    const oneCell = request.numa === 'one-cell';
    let best: number | null = null;
    for (let at = 0; at < this.#cpu.length; at++) {
      if (this.#hasGpus[at] !== gpus || this.#open[at] === 0) continue;
      if (this.#cpu[at]! < cpuMilli || this.#mem[at]! < memMib || this.#disk[at]! < diskMib) continue;
      if (gpus === 0 && best !== null && this.#vms[at]! <= best) continue;
      if (zone >= 0 && this.#zone[at] !== zone) continue;
      if ((this.#labels[at]! & bits) !== bits || (single >= 0 && single !== at)) continue;
      if (image >= 0 && this.#image[at] !== image) continue;
      if (this.#vms[at]! >= this.#vmsMax[at]!) continue;
      if (oneCell && !this.#fitsCell(at, cpuMilli, memMib)) continue;
      if (near !== null && near.has(places === null ? at : places[at]!) !== wantsNear) continue;
      if (others.has(at)) continue;
      if (gpus === 0) best = this.#vms[at]!;
      else best = this.#better(at, request, best);
    }
    return best;
  }

  #better(at: number, request: PlacementRequest, best: number | null): number | null {
    const host = this.#hosts[at]!;
    if (request.gpuModels.length > 0 && !request.gpuModels.includes(host.gpuModel)) return best;
    const gpuMilliFree = this.#gpus[at]!;
    const devices = packDevices(gpuMilliFree, request);
    if (devices === null) return best;
    const cost = packCost(
      {
        cpuMilliFree: this.#cpu[at]!,
        memMibFree: this.#mem[at]!,
        vms: this.#vms[at]!,
        gpuMilliFree,
        modelShare: this.#modelShare.get(host.gpuModel)!,
      },
      request,
      devices,
    );
    const score = -cost * VMS_OF_A_COST;
    return best === null || score > best ? score : best;
  }

  #fitsCell(at: number, cpuMilli: number, memMib: number): boolean {
    for (let cell = at * NUMA_CELLS; cell < (at + 1) * NUMA_CELLS; cell++)
      if (this.#cellCpu[cell]! >= cpuMilli && this.#cellMem[cell]! >= memMib) return true;
    return false;
  }

  /** Hosts or racks of the request's group; null when it has none, or no VM yet: that may go anywhere. */
  #near({ group }: PlacementRequest): Set<number> | null {
    const hosts = this.#hostsOfGroup.get(group?.name ?? '');
    if (!group || !hosts) return null;
    return new Set(group.scope === 'rack' ? hosts.map(at => this.#rack[at]!) : hosts);
  }

  #wanted({ labels }: PlacementRequest): { bits: number; single: number } {
    let bits = 0;
    let single = -1;
    for (const [name, value] of Object.entries(labels)) {
      const bit = this.#bits.get(`${name}=${value}`);
      if (bit !== undefined) bits |= bit;
      // Nobody has what is not known: a number of no host.
      else single = this.#single.get(`${name}=${value}`) ?? this.#hosts.length;
    }
    return { bits, single };
  }

  #label(): void {
    const counts = new Map<string, number>();
    for (const { labels } of this.#hosts)
      for (const [name, value] of Object.entries(labels))
        counts.set(`${name}=${value}`, (counts.get(`${name}=${value}`) ?? 0) + 1);
    for (const [at, { labels }] of this.#hosts.entries()) {
      for (const [name, value] of Object.entries(labels)) {
        const text = `${name}=${value}`;
        if (counts.get(text) === 1) this.#single.set(text, at);
        else {
          if (!this.#bits.has(text)) this.#bits.set(text, 1 << this.#bits.size);
          this.#labels[at]! |= this.#bits.get(text)!;
        }
      }
    }
  }

  #share(): void {
    let all = 0;
    for (const { gpuModel, gpuMilliTotal } of this.#hosts) {
      this.#modelShare.set(gpuModel, (this.#modelShare.get(gpuModel) ?? 0) + gpuMilliTotal.length);
      all += gpuMilliTotal.length;
    }
    for (const [model, gpus] of this.#modelShare) this.#modelShare.set(model, gpus / all);
  }

  #number(name: string): number {
    const number = this.#numbers.get(name) ?? this.#numbers.size;
    this.#numbers.set(name, number);
    return number;
  }

  /** A number that no host has for what no host has. */
  #known(name: string): number {
    return this.#numbers.get(name) ?? 2 ** 30;
  }
}

const imageOf = ({ accelerator, hypervisor }: { accelerator: string; hypervisor: string }): string =>
  `image ${accelerator} ${hypervisor}`;

function cellsOf(
  hosts: readonly PlacementHost[],
  of: (cell: { cpuMilli: number; memMib: number }) => number,
): Int32Array {
  return Int32Array.from(hosts.flatMap(({ numa }) => numa.slice(0, NUMA_CELLS).map(of)));
}
