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
  /** Names of hosts that the request does not want, and those that whoever asks has lost already. */
  readonly exclude: ReadonlySet<string>;
  readonly avoid: ReadonlySet<string>;
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
    this.exclude = request.exclude.length === 0 ? NO_HOSTS : new Set(request.exclude);
    this.avoid = avoid;
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
    return new Set(names.flatMap(name => this.#hostsOf(this.#table.book.ofVm(name))));
  }
}

/** Who asks for nothing is not refused where more than everything is given out. */
const atLeast = (asked: number): number => (asked > 0 ? asked : Number.NEGATIVE_INFINITY);
