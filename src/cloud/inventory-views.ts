import { sql } from 'kysely';
import { CoaxError } from '../errors/coax-error.ts';
import type { Selector } from '../message/carried/selector.ts';
import { type Slice, sliced } from '../store/slice.ts';
import type { Store } from '../store/store.ts';
import { agentViews } from './agents/agent-views.ts';
import { allocationOf, type OwnedQuery, ownedAllocations } from './allocations.ts';
import type { Guest, Hypervisor } from './compute/hypervisor.ts';
import { statesSince } from './hosts/host-state.ts';
import { hostsWith, jsonText } from './list-conditions.ts';
import { owedByHost } from './owed/owed.ts';
import { projectOf } from './owners.ts';
import { type CloudDb, cloudTables, type HostRow, type HostState } from './schema.ts';
import {
  claimView,
  type HostClaimView,
  type HostView,
  hostView,
  type NetworkView,
  networkView,
  type VmView,
  vmView,
} from './views.ts';

/** What a message that waits for a host is told of it. */
export type HostStateView = Pick<HostView, 'name' | 'state' | 'reason' | 'since'>;

/** The hypervisor of each host that is served here. */
export type ServedHosts = ReadonlyMap<string, Hypervisor>;

export interface PlacementFigures {
  readonly claims: number;
  readonly conflicts: number;
  readonly hosts: Readonly<Record<HostState, number>>;
}

/** Which hosts are wanted; all where nothing is said. */
export interface HostQuery extends Slice {
  readonly selector?: Selector | undefined;
}

/** Names that are asked for by themselves; of more hosts everything is read. */
const NAMES_MAX = 1001;
/** A uuid is told by so many of its first characters. */
const UUID_PREFIX_MIN = 4;

/** What there is: hosts, networks and VMs, from what is durable and from what the hypervisors here say. */
export class InventoryViews {
  readonly #store: Store;
  readonly #served: ServedHosts;

  constructor(store: Store, served: ServedHosts) {
    this.#store = store;
    this.#served = served;
  }

  get #db(): CloudDb {
    return cloudTables(this.#store.reader);
  }

  /** By name. */
  async hosts({ selector = [], ...slice }: HostQuery = {}): Promise<HostView[]> {
    let query = this.#db.selectFrom('hosts').selectAll();
    for (const condition of hostsWith(this.#store.reader, selector)) query = query.where(condition);
    return this.#viewHosts(await sliced(query, ['hosts.name'], slice).execute());
  }

  /** One host with its claims; null if there is no such host. */
  async host(name: string): Promise<(HostView & { claims: HostClaimView[] }) | null> {
    const rows = await this.#db.selectFrom('hosts').selectAll().where('name', '=', name).execute();
    const [view] = await this.#viewHosts(rows);
    if (view === undefined) return null;
    // A first sieve by the database; a name may hold what LIKE takes for any letter.
    const claimed = await this.#db
      .selectFrom('allocations')
      .selectAll()
      .where('kind', '=', 'claim')
      .where('detail', 'like', `%"host":"${name}"%`)
      .orderBy('created')
      .execute();
    const claims = claimed
      .map(allocationOf)
      .filter(({ detail }) => detail.host === name)
      .map(claimView);
    return { ...view, claims };
  }

  async #viewHosts(rows: readonly HostRow[]): Promise<HostView[]> {
    if (rows.length === 0) return [];
    const source = { db: this.#store.reader };
    const names = rows.length > NAMES_MAX ? undefined : rows.map(({ name }) => name);
    const since = await statesSince(source, names);
    const owed = await owedByHost(source, names);
    const agents = await agentViews(source, names);
    return rows.map(row => ({
      ...hostView(row, this.#served.get(row.name)?.accelerator ?? row.accelerator),
      since: since.has(row.name) ? new Date(since.get(row.name)!).toISOString() : null,
      owed: owed.get(row.name) ?? 0,
      agent: agents.get(row.name) ?? null,
    }));
  }

  async hostsByState(): Promise<Record<HostState, number>> {
    const rows = await this.#db
      .selectFrom('hosts')
      .select(({ fn }) => ['state', fn.countAll<number>().as('count')])
      .groupBy('state')
      .execute();
    const counts: Record<HostState, number> = { up: 0, draining: 0, down: 0, lost: 0 };
    for (const { state, count } of rows) counts[state] = Number(count);
    return counts;
  }

  /** State of one host, for who waits for it; null if there is no such host. */
  async hostState(name: string): Promise<HostStateView | null> {
    const row = await this.#db
      .selectFrom('hosts')
      .select(['name', 'state', 'reason'])
      .where('name', '=', name)
      .executeTakeFirst();
    if (!row) return null;
    const since = (await statesSince({ db: this.#store.reader }, [name])).get(name);
    return { ...row, since: since === undefined ? null : new Date(since).toISOString() };
  }

  /** By name. */
  async networks(slice: Slice = {}): Promise<NetworkView[]> {
    const rows = await sliced(this.#db.selectFrom('networks').selectAll(), ['name'], slice).execute();
    const network = jsonText(this.#store.reader, 'detail', 'network');
    const taken = await this.#db
      .selectFrom('allocations')
      .select(({ fn }) => [network.as('network'), fn.countAll<number>().as('count')])
      .where('kind', '=', 'ip')
      .groupBy('network')
      .execute();
    const used = new Map(taken.map(row => [String(row.network), Number(row.count)]));
    const free = await this.#db
      .selectFrom('free_ranges')
      .select(['network', sql<number>`sum(high - low + 1)`.as('free')])
      .groupBy('network')
      .execute();
    const freeOf = new Map(free.map(row => [row.network, Number(row.free)]));
    return rows.map(row => networkView(row, used.get(row.name) ?? 0, freeOf.get(row.name) ?? 0));
  }

  /** With who has which address. */
  async network(name: string): Promise<NetworkView | null> {
    const view = (await this.networks()).find(network => network.name === name);
    if (!view) return null;
    const vms = new Map((await this.#store.allocations({ kind: 'vm' })).map(vm => [vm.msgid, vm.key]));
    const held = (await this.#store.allocations({ kind: 'ip' })).filter(
      ({ detail }) => detail.network === name,
    );
    const allocations = held.map(({ key, msgid, detail }) => ({
      ip: key,
      mac: String(detail.mac),
      msgid,
      vm: vms.get(msgid) ?? null,
    }));
    return { ...view, allocations };
  }

  /** Simulated guests do not end by themselves, so their hosts are not asked one file at a time. */
  async vms(query: OwnedQuery = {}): Promise<VmView[]> {
    const records = await ownedAllocations({ db: this.#store.reader }, 'vm', query);
    const guests = new Map<string, Guest>();
    const hosts = new Set(records.map(({ detail }) => String(detail.host)));
    for (const hypervisor of new Set([...hosts].map(host => this.#served.get(host)))) {
      if (hypervisor === undefined || hypervisor.kind === 'simulated') continue;
      for (const guest of await hypervisor.list()) guests.set(guest.uuid, guest);
    }
    return records.map(record => {
      const asked = (this.#served.get(String(record.detail.host))?.kind ?? 'simulated') !== 'simulated';
      return vmView(record, asked ? (guests.get(String(record.detail.uuid)) ?? null) : undefined);
    });
  }

  /** By name, or by the first characters of its uuid. Errors: COAX_NOT_FOUND when several uuids begin so. */
  async vm(nameOrUuid: string, projects?: readonly string[]): Promise<VmView | null> {
    const row = projects?.length === 0 ? null : await this.#record(nameOrUuid, projects);
    if (!row) return null;
    const project = await projectOf({ db: this.#store.reader }, Number(row.msgid));
    if (projects?.includes(project) === false) return null;
    const record = { ...allocationOf(row), project };
    const hypervisor = this.#served.get(String(record.detail.host));
    return vmView(record, hypervisor && (await hypervisor.find(String(record.detail.uuid))));
  }

  async #record(nameOrUuid: string, projects?: readonly string[]) {
    const vms = this.#db.selectFrom('allocations').selectAll().where('kind', '=', 'vm');
    const named = await vms.where('key', '=', nameOrUuid).executeTakeFirst();
    if (named || nameOrUuid.length < UUID_PREFIX_MIN || !/^[0-9a-f-]+$/i.test(nameOrUuid)) return named;
    const alike = await vms
      .where('detail', 'like', `%"uuid":"${nameOrUuid.toLowerCase()}%`)
      .$if(projects !== undefined, query =>
        query.where('msgid', 'in', ({ selectFrom }) =>
          selectFrom('messages')
            .select('messages.msgid')
            .where('project', 'in', [...(projects ?? [])]),
        ),
      )
      .limit(2)
      .execute();
    if (alike.length < 2) return alike[0];
    throw new CoaxError('COAX_NOT_FOUND', `several vms have uuids that begin with ${nameOrUuid}`, {
      hint: 'Give more characters, or the name.',
    });
  }
}
