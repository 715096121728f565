import type { PlacementClaim } from '../claim.ts';
import { cpuMilliLimit, diskMibLimit, memMibLimit, type PlacementHost } from '../host.ts';
import { cpuReach, memReach, reach } from '../packing/reach.ts';
import { ClaimBook, grown, type Taken } from './claim-book.ts';
import { FigureLists } from './figure-lists.ts';
import { lasting } from './lasting.ts';
import { NameIndex } from './name-index.ts';
import * as row from './row.ts';

const NONE: readonly never[] = [];

/** Hosts by number from 0 on, each with a row of figures, and the claims on them. Arrays of a host are replaced, never changed. */
export class HostTable {
  rows: Float64Array;
  readonly book: ClaimBook;
  #hosts: (PlacementHost | null)[] = [];
  /** Free thousandths of each GPU; CPU and memory that are free in each NUMA cell, two figures a cell. */
  #gpus: FigureLists;
  #cells: FigureLists;
  /** Numbers of the host's rack and zone. */
  #rackOf: Int32Array;
  #zoneOf: Int32Array;
  /** 1 where one NUMA cell has the most of CPU and of memory. */
  #oneCellBest: Uint8Array;
  /** Claims that may be taken from their VMs. */
  #preemptibles: Int32Array;
  #names: string[] = [];
  #numbers: NameIndex;
  #racks = new Map<string, number>();
  #zones = new Map<string, number>();
  #free: number[] = [];
  /** Claims on hosts that are not there (yet), by the host's name. */
  #waiting = new Map<string, PlacementClaim[]>();
  #waitingHost = new Map<string, string>();
  /** Numbers of the models of GPUs, and which one each host has; GPUs of each, and in all. */
  #models = new Map<string, number>();
  #modelOf: Int32Array;
  #modelGpus: number[] = [];
  #gpusInAll = 0;
  /** Grows with every change. */
  changes = 0;

  /** `expected`: room for so many hosts is made at once. */
  constructor(book = new ClaimBook(), expected = 0) {
    this.book = book;
    const room = Math.max(64, expected);
    this.rows = new Float64Array(lasting(room * row.ROW * Float64Array.BYTES_PER_ELEMENT));
    this.#gpus = new FigureLists(room);
    this.#cells = new FigureLists(room);
    this.#rackOf = new Int32Array(room);
    this.#zoneOf = new Int32Array(room);
    this.#modelOf = new Int32Array(room);
    this.#oneCellBest = new Uint8Array(room);
    this.#preemptibles = new Int32Array(room);
    this.#numbers = new NameIndex(this.#names, expected);
  }

  /** Numbers given so far; some of them may be free. */
  get end(): number {
    return this.#hosts.length;
  }

  get size(): number {
    return this.#hosts.length - this.#free.length;
  }

  /** Number of a host; -1 when there is none of that name. */
  find(name: string): number {
    return this.#numbers.find(name);
  }

  /** Mostly the number of the host. */
  guess(name: string): number {
    return this.#numbers.guess(name);
  }

  /** Reads what a look-up of the host's name reads; the answer means nothing. */
  readName(at: number): number {
    return this.#names[at]!.length;
  }

  /** Reads figures of a host that has GPUs; the answer means nothing. */
  readDevices(at: number): number {
    const { figures, width } = this.#gpus;
    return figures[at * width]! + this.#modelOf[at]!;
  }

  host(at: number): PlacementHost | null {
    return this.#hosts[at] ?? null;
  }

  /** Free thousandths of each GPU of a host. */
  get gpus(): FigureLists {
    return this.#gpus;
  }

  /** Of each NUMA cell of a host: thousandths of CPUs that are free, and MiB. */
  get cells(): FigureLists {
    return this.#cells;
  }

  /** Numbers by which the members of a group are counted. */
  placeOf(at: number, scope: 'host' | 'rack' | 'zone'): number {
    if (scope === 'host') return at;
    return (scope === 'rack' ? this.#rackOf : this.#zoneOf)[at]!;
  }

  /** The number of a rack or zone by its name; -1 when no host is there. */
  placeNamed(scope: 'rack' | 'zone', zone: string, rack: string): number {
    return (scope === 'rack' ? this.#racks.get(rackKey(zone, rack)) : this.#zones.get(zone)) ?? -1;
  }

  /** Whether one NUMA cell has the most of CPU and the most of memory; also where the host tells of no cells and is one itself. */
  isOneCellBest(at: number): boolean {
    return this.#oneCellBest[at] === 1;
  }

  preemptibles(at: number): number {
    return this.#preemptibles[at]!;
  }

  /** Part of all GPUs that are of this model, 0 to 1. */
  modelShare(model: string): number {
    return this.#gpusInAll === 0
      ? 0
      : (this.#modelGpus[this.#models.get(model) ?? -1] ?? 0) / this.#gpusInAll;
  }

  /** The same for the model of a host that has GPUs. */
  modelShareOf(at: number): number {
    return this.#modelGpus[this.#modelOf[at]!]! / this.#gpusInAll;
  }

  /** Puts a host in, or changes it; its claims stay. Answers its number. */
  put(host: PlacementHost): number {
    let at = this.find(host.name);
    const old = at < 0 ? null : this.#hosts[at]!;
    if (at < 0) {
      at = this.#free.pop() ?? this.#hosts.length;
      this.#names[at] = host.name;
      this.#numbers.put(host.name, at);
      if ((at + 1) * row.ROW > this.rows.length) this.#grow();
    }
    this.#hosts[at] = host;
    this.#rackOf[at] = numberOf(this.#racks, rackKey(host.zone, host.rack));
    this.#zoneOf[at] = numberOf(this.#zones, host.zone);
    this.#modelOf[at] = numberOf(this.#models, host.gpuModel);
    if (old !== null) this.#countGpus(old, -1);
    this.#countGpus(host, 1);
    this.#count(at);
    const waiting = this.#waiting.get(host.name) ?? NONE;
    this.#waiting.delete(host.name);
    for (const claim of waiting) {
      this.#waitingHost.delete(claim.id);
      this.hold(claim);
    }
    return at;
  }

  /** Takes a host out; its claims wait for its return. Answers its number, or -1. */
  remove(name: string): number {
    const at = this.find(name);
    if (at < 0) return -1;
    const claims = this.book.ofHost(at);
    const waiting = claims.map(claim => this.book.claim(claim, name));
    for (const claim of claims) this.book.delete(claim);
    for (const claim of waiting) this.#wait(claim);
    this.#countGpus(this.#hosts[at]!, -1);
    this.#numbers.delete(name);
    this.#hosts[at] = null;
    this.#preemptibles[at] = 0;
    this.#free.push(at);
    return at;
  }

  /** Answers the number of the host, or -1 when it is not there. */
  hold(claim: PlacementClaim): number {
    const host = this.find(claim.host);
    if (host < 0) this.#wait(claim);
    else {
      this.book.add(claim, host);
      this.#take(host, claim, 1);
      if (claim.preemptible) this.#preemptibles[host]! += 1;
    }
    return host;
  }

  /** Answers the number of the host that has more room now; -1 when there is none. */
  release(id: string): number {
    const at = this.book.find(id);
    if (at < 0) {
      this.#stopWaiting(id);
      return -1;
    }
    const host = this.book.hostOf(at);
    if (this.book.isPreemptible(at)) this.#preemptibles[host]! -= 1;
    const taken = this.book.taken(at);
    this.book.delete(at);
    this.#take(host, taken, -1);
    return host;
  }

  /** The claims whose hosts are not there. */
  *waiting(): Generator<PlacementClaim> {
    for (const claims of this.#waiting.values()) yield* claims;
  }

  branch(): HostTable {
    const branch = new HostTable(this.book.branch());
    branch.rows = this.rows.slice();
    branch.#hosts = this.#hosts.slice();
    branch.#gpus = this.#gpus.branch();
    branch.#cells = this.#cells.branch();
    branch.#rackOf = this.#rackOf.slice();
    branch.#zoneOf = this.#zoneOf.slice();
    branch.#preemptibles = this.#preemptibles.slice();
    branch.#oneCellBest = this.#oneCellBest.slice();
    branch.#names = this.#names.slice();
    branch.#numbers = this.#numbers.branch(branch.#names);
    branch.#racks = new Map(this.#racks);
    branch.#zones = new Map(this.#zones);
    branch.#free = this.#free.slice();
    branch.#waiting = new Map([...this.#waiting].map(([name, claims]) => [name, claims.slice()]));
    branch.#waitingHost = new Map(this.#waitingHost);
    branch.#models = new Map(this.#models);
    branch.#modelOf = this.#modelOf.slice();
    branch.#modelGpus = this.#modelGpus.slice();
    branch.#gpusInAll = this.#gpusInAll;
    return branch;
  }

  #wait(claim: PlacementClaim): void {
    this.#stopWaiting(claim.id);
    this.#waitingHost.set(claim.id, claim.host);
    const waiting = this.#waiting.get(claim.host);
    if (waiting) waiting.push(claim);
    else this.#waiting.set(claim.host, [claim]);
  }

  #stopWaiting(id: string): void {
    if (this.#waitingHost.size === 0) return;
    const host = this.#waitingHost.get(id);
    if (host === undefined) return;
    this.#waitingHost.delete(id);
    const left = this.#waiting.get(host)!.filter(claim => claim.id !== id);
    if (left.length === 0) this.#waiting.delete(host);
    else this.#waiting.set(host, left);
  }

  #countGpus({ gpuModel, gpuMilliTotal }: PlacementHost, sign: 1 | -1): void {
    const count = sign * gpuMilliTotal.length;
    if (count === 0) return;
    const model = numberOf(this.#models, gpuModel);
    this.#modelGpus[model] = (this.#modelGpus[model] ?? 0) + count;
    this.#gpusInAll += count;
  }

  /** Figures of a host from nothing: what it has, then its claims. */
  #count(at: number): void {
    this.changes += 1;
    const host = this.#hosts[at]!;
    const rows = this.rows;
    const to = at * row.ROW;
    rows[to + row.CPU] = rows[to + row.CPU_LIMIT] = cpuMilliLimit(host);
    rows[to + row.MEM] = rows[to + row.MEM_LIMIT] = memMibLimit(host);
    rows[to + row.DISK] = diskMibLimit(host);
    rows[to + row.VMS] = 0;
    rows[to + row.ORDER] = at;
    rows[to + row.STRAND] = rows[to + row.SLACK] = 0;
    rows[to + row.ROOM] = host.vmsMax > 0 ? host.vmsMax : Number.POSITIVE_INFINITY;
    rows[to + row.CALM] = -host.ioLoad;
    this.#gpus.set(at, host.gpuMilliTotal);
    this.#cells.set(
      at,
      host.numa.flatMap(cell => [
        Math.floor(cell.cpuMilli * host.cpuOvercommit),
        Math.floor(cell.memMib * host.memOvercommit),
      ]),
    );
    this.#preemptibles[at] = 0;
    this.#summarizeGpus(at);
    this.#summarize(at);
    for (const claim of this.book.ofHost(at)) {
      this.#take(at, this.book.taken(claim), 1);
      if (this.book.isPreemptible(claim)) this.#preemptibles[at]! += 1;
    }
  }

  #take(at: number, taken: Taken, sign: 1 | -1): void {
    this.changes += 1;
    const rows = this.rows;
    const to = at * row.ROW;
    rows[to + row.CPU]! -= sign * taken.cpuMilli;
    rows[to + row.MEM]! -= sign * taken.memMib;
    rows[to + row.DISK]! -= sign * taken.diskMib;
    rows[to + row.VMS]! += sign;
    rows[to + row.ROOM]! -= sign;
    if (taken.devices.length > 0) {
      const { figures, width } = this.#gpus;
      const length = this.#gpus.lengthOf(at);
      // A claim may be older than what the host has now.
      for (const device of new Set(taken.devices))
        if (device < length) figures[at * width + device]! -= sign * taken.gpuMilli;
      this.#summarizeGpus(at);
    }
    if (taken.cell >= 0 && 2 * taken.cell < this.#cells.lengthOf(at)) {
      const { figures, width } = this.#cells;
      const cell = at * width + 2 * taken.cell;
      figures[cell]! -= sign * taken.cpuMilli;
      figures[cell + 1]! -= sign * taken.memMib;
    }
    this.#summarize(at);
  }

  #summarize(at: number): void {
    const rows = this.rows;
    const to = at * row.ROW;
    rows[to + row.CPU_SHARE] = share(rows[to + row.CPU]!, rows[to + row.CPU_LIMIT]!);
    rows[to + row.MEM_SHARE] = share(rows[to + row.MEM]!, rows[to + row.MEM_LIMIT]!);
    if (this.#gpus.lengthOf(at) > 0) {
      const cpu = rows[to + row.CPU]!;
      const mem = rows[to + row.MEM]!;
      rows[to + row.STRAND] = rows[to + row.GPU_FREE]! - reach(cpu, mem);
      rows[to + row.SLACK] = cpuReach(cpu) - memReach(mem);
    }
    const { figures, width } = this.#cells;
    const length = this.#cells.lengthOf(at);
    if (length === 0) {
      // A host that tells of no cells is one.
      rows[to + row.CELL_CPU] = rows[to + row.CPU]!;
      rows[to + row.CELL_MEM] = rows[to + row.MEM]!;
      this.#oneCellBest[at] = 1;
      return;
    }
    let cpu = Number.NEGATIVE_INFINITY;
    let mem = Number.NEGATIVE_INFINITY;
    let isOneBest = false;
    for (let cell = at * width; cell < at * width + length; cell += 2) {
      const cpuFree = figures[cell]!;
      const memFree = figures[cell + 1]!;
      if (cpuFree >= cpu && memFree >= mem) isOneBest = true;
      else if (cpuFree > cpu || memFree > mem) isOneBest = false;
      if (cpuFree > cpu) cpu = cpuFree;
      if (memFree > mem) mem = memFree;
    }
    rows[to + row.CELL_CPU] = cpu;
    rows[to + row.CELL_MEM] = mem;
    this.#oneCellBest[at] = isOneBest ? 1 : 0;
  }

  #summarizeGpus(at: number): void {
    let all = 0;
    let whole = 0;
    let part = 0;
    const { figures, width } = this.#gpus;
    const from = at * width;
    for (let gpu = from; gpu < from + this.#gpus.lengthOf(at); gpu += 1) {
      const free = figures[gpu]!;
      all += free;
      if (free === 1000) whole += 1;
      if (free < 1000 && free > part) part = free;
    }
    const to = at * row.ROW;
    this.rows[to + row.GPU_FREE] = all;
    this.rows[to + row.GPU_WHOLE] = whole;
    this.rows[to + row.GPU_PART] = part;
  }

  #grow(): void {
    const room = (2 * this.rows.length) / row.ROW;
    this.rows = grown(this.rows, new Float64Array(room * row.ROW));
    this.#rackOf = grown(this.#rackOf, new Int32Array(room));
    this.#zoneOf = grown(this.#zoneOf, new Int32Array(room));
    this.#modelOf = grown(this.#modelOf, new Int32Array(room));
    this.#oneCellBest = grown(this.#oneCellBest, new Uint8Array(room));
    this.#preemptibles = grown(this.#preemptibles, new Int32Array(room));
  }
}

const rackKey = (zone: string, rack: string): string => `${zone}\n${rack}`;
const share = (free: number, limit: number): number => (limit > 0 ? free / limit : 0);

function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}
