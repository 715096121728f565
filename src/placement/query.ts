import type { HostTable } from './inventory/host-table.ts';
import type { HostView } from './inventory/host-view.ts';
import type { Need } from './inventory/row.ts';
import type { PlacementRequest } from './request.ts';

/** A host with so many operations under way gets no further one, as Nova's `max_io_ops_per_host`. */
const IO_LOAD_MAX = 8;
const NO_HOSTS: ReadonlySet<string> = new Set();

/** A request, with what the fleet knows about the VMs and groups that it names at this moment. */
export class Query implements Need {
  readonly request: PlacementRequest;
  readonly cpu: number;
  readonly mem: number;
  readonly disk: number;
  readonly calm: number;
  readonly cellCpu: number;
  readonly cellMem: number;
  readonly gpuWhole: number;
  readonly gpuShare: number;
  /** Numbers of the hosts that the request does not want, and of those that whoever asks has lost already; null when there are none. */
  readonly excluded: ReadonlySet<number> | null;
  /** Members of its group by the number of the host, rack or zone; null without a group. */
  readonly members: ReadonlyMap<number, number> | null;
  /** Numbers of the hosts of the group, of `sameHostAs` and of `differentHostFrom`. */
  readonly groupHosts: readonly number[];
  readonly sameHosts: ReadonlySet<number> | null;
  readonly otherHosts: ReadonlySet<number> | null;
  readonly #table: HostTable;

  constructor(table: HostTable, request: PlacementRequest, avoid: ReadonlySet<string> = NO_HOSTS) {
    this.#table = table;
    this.request = request;
    this.cpu = atLeast(request.cpuMilli);
    this.mem = atLeast(request.memMib);
    this.disk = atLeast(request.diskMib);
    this.calm = -IO_LOAD_MAX;
    const oneCell = request.numa === 'one-cell';
    this.cellCpu = oneCell ? this.cpu : Number.NEGATIVE_INFINITY;
    this.cellMem = oneCell ? this.mem : Number.NEGATIVE_INFINITY;
    const isShare = request.gpu === 1 && request.gpuMilli < 1000;
    this.gpuWhole = isShare ? 0 : request.gpu;
    this.gpuShare = isShare ? request.gpuMilli : 0;
    this.excluded = this.#numbersOf(request.exclude, avoid);
    const { group } = request;
    this.groupHosts = group === null ? [] : this.#hostsOf(table.book.ofGroup(group.name));
    this.members = group === null ? null : this.#count(group.scope);
    this.sameHosts = request.sameHostAs.length === 0 ? null : this.#hostsOfVms(request.sameHostAs);
    this.otherHosts =
      request.differentHostFrom.length === 0 ? null : this.#hostsOfVms(request.differentHostFrom);
  }

  /** Members of the request's group where the host is: on it, in its rack, or in its zone. */
  membersNear(view: HostView): number {
    if (this.members === null) return 0;
    return this.members.get(this.#table.placeOf(view.at, this.request.group!.scope)) ?? 0;
  }

  #numbersOf(exclude: readonly string[], avoid: ReadonlySet<string>): ReadonlySet<number> | null {
    if (exclude.length + avoid.size === 0) return null;
    const numbers = new Set<number>();
    for (const name of exclude) numbers.add(this.#table.find(name));
    for (const name of avoid) numbers.add(this.#table.find(name));
    return numbers;
  }

  #count(scope: 'host' | 'rack' | 'zone'): Map<number, number> {
    const counts = new Map<number, number>();
    for (const host of this.groupHosts) {
      const place = this.#table.placeOf(host, scope);
      counts.set(place, (counts.get(place) ?? 0) + 1);
    }
    return counts;
  }

  #hostsOf(claims: readonly number[]): number[] {
    return claims.map(claim => this.#table.book.hostOf(claim));
  }

  #hostsOfVms(names: readonly string[]): Set<number> {
    const hosts = new Set<number>();
    for (const name of names)
      for (const claim of this.#table.book.ofVm(name)) hosts.add(this.#table.book.hostOf(claim));
    return hosts;
  }
}

/** Who asks for nothing is not refused where more than everything is given out. */
const atLeast = (asked: number): number => (asked > 0 ? asked : Number.NEGATIVE_INFINITY);
