import { parseSelector } from '../message/carried/selector.ts';
import type { Store } from '../store/store.ts';
import { hostsWith } from './list-conditions.ts';
import { limitsOf, usedOf } from './resource/host-figures.ts';
import { cloudTables, type HostRow, type HostState } from './schema.ts';

/** Every host, a list for each column; all lists in the order of `name`. */
export interface FleetMap {
  readonly states: readonly HostState[];
  readonly zones: readonly string[];
  readonly racks: readonly string[];
  readonly name: readonly string[];
  /** Indexes into `states`, `zones` and `racks`. */
  readonly state: readonly number[];
  readonly zone: readonly number[];
  readonly rack: readonly number[];
  /** Thousandths of what may be claimed; -1 where nothing may. */
  readonly cpu: readonly number[];
  readonly mem: readonly number[];
  readonly vms: readonly number[];
  /** Why a host is not up, by its name; most have no reason. */
  readonly reasons: Readonly<Record<string, string>>;
}

const STATES: readonly HostState[] = ['up', 'draining', 'down', 'lost'];
/** However many ask, the hosts are read at most so often, for each selector. */
const FRESH_MS = 1000;
const MAPS_MAX = 16;
/** Rows of one query: between two, others have their turn. */
const PAGE = 5000;
const COLUMNS = [
  'name',
  'state',
  'reason',
  'zone',
  'rack',
  'cpu_total',
  'cpu_used',
  'cpu_used_milli',
  'cpu_reserved_milli',
  'cpu_overcommit',
  'mem_total_mib',
  'mem_used_mib',
  'mem_overcommit',
  'mem_reserved_mib',
  'vms',
] as const satisfies readonly (keyof HostRow)[];

/** Reads the map of the fleet, once for all who ask within a second. */
export class FleetMaps {
  readonly #store: Pick<Store, 'reader' | 'now'>;
  readonly #maps = new Map<string, { readonly at: number; readonly map: Promise<FleetMap> }>();

  constructor(store: Pick<Store, 'reader' | 'now'>) {
    this.#store = store;
  }

  /** Of the hosts with such labels. Errors: COAX_MESSAGE_INVALID for what is no selector. */
  now(selector = ''): Promise<FleetMap> {
    const now = this.#store.now();
    const known = this.#maps.get(selector);
    if (known !== undefined && now - known.at < FRESH_MS) return known.map;
    const fresh = { at: now, map: this.#read(selector) };
    this.#maps.delete(selector);
    this.#maps.set(selector, fresh);
    for (const oldest of this.#maps.keys()) {
      if (this.#maps.size <= MAPS_MAX) break;
      this.#maps.delete(oldest);
    }
    fresh.map.catch(() => {
      if (this.#maps.get(selector) === fresh) this.#maps.delete(selector);
    });
    return fresh.map;
  }

  async #read(selector: string): Promise<FleetMap> {
    const zones = new Dictionary();
    const racks = new Dictionary();
    const name: string[] = [];
    const reasons: Record<string, string> = {};
    const columns = { state: [], zone: [], rack: [], cpu: [], mem: [], vms: [] } as Record<
      'state' | 'zone' | 'rack' | 'cpu' | 'mem' | 'vms',
      number[]
    >;
    const { reader } = this.#store;
    let hosts = cloudTables(reader).selectFrom('hosts').select(COLUMNS).orderBy('name');
    for (const condition of hostsWith(reader, parseSelector(selector))) hosts = hosts.where(condition);
    for (let last: string | undefined; ; ) {
      const page = hosts.limit(PAGE);
      const rows = await (last === undefined ? page : page.where('name', '>', last)).execute();
      for (const row of rows as unknown as HostRow[]) {
        const [used, limit] = [usedOf(row), limitsOf(row)];
        name.push(row.name);
        if (row.reason !== '') reasons[row.name] = row.reason;
        columns.state.push(STATES.indexOf(row.state));
        columns.zone.push(zones.indexOf(row.zone));
        columns.rack.push(racks.indexOf(row.rack));
        columns.cpu.push(thousandths(used.cpuMilli, limit.cpuMilli));
        columns.mem.push(thousandths(used.memMib, limit.memMib));
        columns.vms.push(Number(row.vms));
      }
      if (rows.length < PAGE) break;
      last = rows.at(-1)!.name;
    }
    return { states: STATES, zones: zones.words, racks: racks.words, name, ...columns, reasons };
  }
}

const thousandths = (used: number, limit: number): number =>
  limit > 0 ? Math.round((used / limit) * 1000) : -1;

class Dictionary {
  readonly words: string[] = [];
  readonly #index = new Map<string, number>();

  indexOf(word: string): number {
    let index = this.#index.get(word);
    if (index === undefined) {
      index = this.words.push(word) - 1;
      this.#index.set(word, index);
    }
    return index;
  }
}
