import type { HostTable } from './inventory/host-table.ts';
import type { HostView } from './inventory/host-view.ts';
import { NumberCounts } from './inventory/number-counts.ts';
import type { Need } from './inventory/row.ts';
import { readNames } from './read-ahead.ts';
import type { PlacementRequest } from './request.ts';

/** A host with so many operations under way gets no further one, as Nova's `max_io_ops_per_host`. */
const IO_LOAD_MAX = 8;
const NO_HOSTS: ReadonlySet<string> = new Set();
const NONE: readonly number[] = [];

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
  readonly excluded: NumberCounts | null;
  /** Members of its group by the number of the host, rack or zone; null without a group. */
  readonly members: NumberCounts | null;
  /** Numbers of the hosts of the group, one for each member, of `sameHostAs` and of `differentHostFrom`. */
  readonly groupHosts: readonly number[];
  readonly sameHosts: NumberCounts | null;
  readonly otherHosts: NumberCounts | null;
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
    readNames(table, request);
    this.excluded = this.#numbersOf(request.exclude, avoid);
    const { group } = request;
    this.groupHosts = group === null ? NONE : table.book.hostsOfGroup(group.name);
    this.members = group === null ? null : this.#count(group.scope);
    this.sameHosts = request.sameHostAs.length === 0 ? null : this.#hostsOfVms(request.sameHostAs);
    this.otherHosts =
      request.differentHostFrom.length === 0 ? null : this.#hostsOfVms(request.differentHostFrom);
  }

  /** Members of the request's group where the host is: on it, in its rack, or in its zone. */
  membersNear(view: HostView): number {
    if (this.members === null) return 0;
    return this.members.of(this.#table.placeOf(view.at, this.request.group!.scope));
  }

  #numbersOf(exclude: readonly string[], avoid: ReadonlySet<string>): NumberCounts | null {
    if (exclude.length + avoid.size === 0) return null;
    const numbers = new NumberCounts();
    for (const name of exclude) numbers.add(this.#table.find(name));
    for (const name of avoid) numbers.add(this.#table.find(name));
    return numbers;
  }

  #count(scope: 'host' | 'rack' | 'zone'): NumberCounts {
    const counts = new NumberCounts();
    for (const host of this.groupHosts) counts.add(this.#table.placeOf(host, scope));
    return counts;
  }

  #hostsOfVms(names: readonly string[]): NumberCounts {
    const hosts = new NumberCounts();
    for (const name of names) this.#table.book.countHostsOfVm(name, hosts);
    return hosts;
  }
}

/** Who asks for nothing is not refused where more than everything is given out. */
const atLeast = (asked: number): number => (asked > 0 ? asked : Number.NEGATIVE_INFINITY);
