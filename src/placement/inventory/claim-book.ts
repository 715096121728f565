import type { PlacementClaim } from '../claim.ts';
import { lasting } from './lasting.ts';
import { NameIndex } from './name-index.ts';
import type { NumberCounts } from './number-counts.ts';

const NO_DEVICES: readonly number[] = [];
/** Lists that a claim is in: those of its host, of its VM's name, and of its group. */
const OF_HOST = 0;
const OF_VM = 1;
const OF_GROUP = 2;
/** Of each claim, side by side: for each list the next claim, and the one before; then its host, and the number of its project. */
const LINKS = 8;
const BEFORE = 3;
const HOST = 6;
const PROJECT = 7;
/** Bits of what a claim is. */
const PREEMPTIBLE = 1;
const WITH_DEVICES = 2;

/** What a claim takes, by its number. */
export type Taken = Pick<PlacementClaim, 'cpuMilli' | 'memMib' | 'diskMib' | 'gpuMilli' | 'devices' | 'cell'>;

/**
 * A million claims in columns: an object each would take ten times the memory and minutes of the collector's time over a day. Claims are
 * known by numbers from 0 on, which are used again.
 */
export class ClaimBook {
  /** The first claim of each host; -1 for none. */
  #ofHost = new Int32Array(64).fill(-1);
  #free: number[] = [];
  #end = 0;
  #figures: Float64Array;
  #links: Int32Array;
  #small: Int16Array;
  #ids: string[] = [];
  #vms: string[] = [];
  #groups: string[] = [];
  #projects: string[] = [];
  #projectNumbers = new Map<string, number>();
  /** Of the few that have any. */
  #devices = new Map<number, readonly number[]>();
  /** Numbers by id; the first claim of each VM's name, and of each group. */
  #numbers: NameIndex;
  #ofVm: NameIndex;
  #ofGroup = new NameIndex(this.#groups);

  /** `expected`: room for so many claims is made at once. Arrays that grow cost a collection of all there is now and then. */
  constructor(expected = 0) {
    const room = Math.max(64, expected);
    this.#figures = new Float64Array(lasting(3 * room * Float64Array.BYTES_PER_ELEMENT));
    this.#links = new Int32Array(lasting(LINKS * room * Int32Array.BYTES_PER_ELEMENT));
    this.#small = new Int16Array(lasting(4 * room * Int16Array.BYTES_PER_ELEMENT));
    for (const column of [this.#ids, this.#vms, this.#groups]) column.length = expected;
    this.#numbers = new NameIndex(this.#ids, expected);
    this.#ofVm = new NameIndex(this.#vms, expected);
  }

  get size(): number {
    return this.#end - this.#free.length;
  }

  /** Number of a claim; -1 when there is none of that name. */
  find(id: string): number {
    return this.#numbers.find(id);
  }

  /** Number of the claim, which must be a new one. */
  add(claim: PlacementClaim, host: number): number {
    const at = this.#free.pop() ?? this.#end++;
    if (LINKS * at >= this.#links.length) this.#grow();
    this.#figures[3 * at] = claim.cpuMilli;
    this.#figures[3 * at + 1] = claim.memMib;
    this.#figures[3 * at + 2] = claim.diskMib;
    this.#links[LINKS * at + HOST] = host;
    this.#small[4 * at] = claim.gpu;
    this.#small[4 * at + 1] = claim.gpuMilli;
    this.#small[4 * at + 2] = claim.cell;
    this.#small[4 * at + 3] = claim.preemptible ? PREEMPTIBLE : 0;
    this.#ids[at] = claim.id;
    this.#vms[at] = claim.vm;
    this.#groups[at] = claim.group;
    this.#links[LINKS * at + PROJECT] = this.#projectNumber(claim.project);
    if (claim.devices.length > 0) {
      this.#small[4 * at + 3]! |= WITH_DEVICES;
      this.#devices.set(at, claim.devices);
    }
    this.#numbers.put(claim.id, at);
    const first = this.#firstOf(host);
    this.#link(at, OF_HOST, first);
    this.#ofHost[host] = at;
    if (claim.vm !== '') this.#link(at, OF_VM, this.#ofVm.put(claim.vm, at));
    if (claim.group !== '') this.#link(at, OF_GROUP, this.#ofGroup.put(claim.group, at));
    return at;
  }

  delete(at: number): void {
    const host = this.#links[LINKS * at + HOST]!;
    if (this.#unlink(at, OF_HOST)) this.#ofHost[host] = this.#next(at, OF_HOST);
    this.#leave(at, OF_VM, this.#ofVm, this.#vms[at]!);
    this.#leave(at, OF_GROUP, this.#ofGroup, this.#groups[at]!);
    this.#numbers.delete(this.#ids[at]!);
    if (this.#is(at, WITH_DEVICES)) this.#devices.delete(at);
    this.#ids[at] = '';
    this.#vms[at] = '';
    this.#groups[at] = '';
    this.#links[LINKS * at + HOST] = -1;
    this.#free.push(at);
  }

  hostOf(at: number): number {
    return this.#links[LINKS * at + HOST]!;
  }

  isPreemptible(at: number): boolean {
    return this.#is(at, PREEMPTIBLE);
  }

  taken(at: number): Taken {
    return {
      cpuMilli: this.#figures[3 * at]!,
      memMib: this.#figures[3 * at + 1]!,
      diskMib: this.#figures[3 * at + 2]!,
      gpuMilli: this.#small[4 * at + 1]!,
      devices: this.#is(at, WITH_DEVICES) ? this.#devices.get(at)! : NO_DEVICES,
      cell: this.#small[4 * at + 2]!,
    };
  }

  /** The claim as it came; `host` is the name of its host. */
  claim(at: number, host: string): PlacementClaim {
    return {
      id: this.#ids[at]!,
      host,
      ...this.taken(at),
      gpu: this.#small[4 * at]!,
      group: this.#groups[at]!,
      vm: this.#vms[at]!,
      preemptible: this.isPreemptible(at),
      project: this.#projects[this.#links[LINKS * at + PROJECT]!]!,
    };
  }

  /** Numbers of all claims; those of one host. */
  *all(): Generator<number> {
    for (let at = 0; at < this.#end; at += 1) if (this.#links[LINKS * at + HOST]! >= 0) yield at;
  }

  ofHost(host: number): number[] {
    const numbers: number[] = [];
    for (let at = this.#firstOf(host); at >= 0; at = this.#next(at, OF_HOST)) numbers.push(at);
    return numbers;
  }

  /** Mostly the first claim of a VM's name, or of a group; -1 when there is none. */
  guessVm(vm: string): number {
    return this.#ofVm.guess(vm);
  }

  guessGroup(group: string): number {
    return this.#ofGroup.guess(group);
  }

  /** Reads what a look-up of the claim's VM or group reads; the answer means nothing. */
  readNames(at: number): number {
    return this.#links[LINKS * at + HOST]! + this.#vms[at]!.length + this.#groups[at]!.length;
  }

  /** Counts the hosts of the VMs of this name. */
  countHostsOfVm(vm: string, hosts: NumberCounts): void {
    for (let at = this.#ofVm.find(vm); at >= 0; at = this.#next(at, OF_VM)) hosts.add(this.hostOf(at));
  }

  /** The host of each member of a group. */
  hostsOfGroup(group: string): number[] {
    const hosts: number[] = [];
    for (let at = this.#ofGroup.find(group); at >= 0; at = this.#next(at, OF_GROUP))
      hosts.push(this.hostOf(at));
    return hosts;
  }

  branch(): ClaimBook {
    const branch = new ClaimBook();
    branch.#ofHost = this.#ofHost.slice();
    branch.#free = this.#free.slice();
    branch.#end = this.#end;
    branch.#figures = this.#figures.slice();
    branch.#links = this.#links.slice();
    branch.#small = this.#small.slice();
    branch.#ids = this.#ids.slice();
    branch.#vms = this.#vms.slice();
    branch.#groups = this.#groups.slice();
    branch.#projects = this.#projects.slice();
    branch.#projectNumbers = new Map(this.#projectNumbers);
    branch.#devices = new Map(this.#devices);
    branch.#numbers = this.#numbers.branch(branch.#ids);
    branch.#ofVm = this.#ofVm.branch(branch.#vms);
    branch.#ofGroup = this.#ofGroup.branch(branch.#groups);
    return branch;
  }

  #is(at: number, bit: number): boolean {
    return (this.#small[4 * at + 3]! & bit) !== 0;
  }

  /** Claims have few projects: a string each would be a million of them. */
  #projectNumber(project: string): number {
    const known = this.#projectNumbers.get(project);
    if (known !== undefined) return known;
    const number = this.#projects.push(project) - 1;
    this.#projectNumbers.set(project, number);
    return number;
  }

  #firstOf(host: number): number {
    if (host >= this.#ofHost.length) {
      const more = new Int32Array(Math.max(host + 1, 2 * this.#ofHost.length)).fill(-1);
      more.set(this.#ofHost);
      this.#ofHost = more;
    }
    return this.#ofHost[host]!;
  }

  #next(at: number, list: number): number {
    return this.#links[LINKS * at + list]!;
  }

  /** Puts a claim before the first of a list. */
  #link(at: number, list: number, first: number): void {
    this.#links[LINKS * at + list] = first;
    this.#links[LINKS * at + list + BEFORE] = -1;
    if (first >= 0) this.#links[LINKS * first + list + BEFORE] = at;
  }

  /** Takes a claim out of a list; true when it was the first. */
  #unlink(at: number, list: number): boolean {
    const next = this.#links[LINKS * at + list]!;
    const before = this.#links[LINKS * at + list + BEFORE]!;
    if (next >= 0) this.#links[LINKS * next + list + BEFORE] = before;
    if (before >= 0) this.#links[LINKS * before + list] = next;
    return before < 0;
  }

  #leave(at: number, list: number, firsts: NameIndex, name: string): void {
    if (name === '' || !this.#unlink(at, list)) return;
    const next = this.#next(at, list);
    if (next < 0) firsts.delete(name);
    else firsts.put(name, next);
  }

  #grow(): void {
    const room = (2 * this.#links.length) / LINKS;
    this.#figures = grown(this.#figures, new Float64Array(3 * room));
    this.#links = grown(this.#links, new Int32Array(LINKS * room));
    this.#small = grown(this.#small, new Int16Array(4 * room));
  }
}

/** The wider array, with the figures of the narrower one. */
export function grown<A extends Float64Array | Int32Array | Int16Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
