import type { Store } from '../store/store.ts';
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
}

const STATES: readonly HostState[] = ['up', 'draining', 'down', 'lost'];
/** However many ask, the hosts are read at most so often. */
const FRESH_MS = 1000;
/** Rows of one query: between two, others have their turn. */
const PAGE = 5000;
const COLUMNS = [
  'name',
  'state',
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
  #at = Number.NEGATIVE_INFINITY;
  #map: Promise<FleetMap> | null = null;

  constructor(store: Pick<Store, 'reader' | 'now'>) {
    this.#store = store;
  }

  now(): Promise<FleetMap> {
    const now = this.#store.now();
    if (this.#map !== null && now - this.#at < FRESH_MS) return this.#map;
    this.#at = now;
    const map = this.#read();
    this.#map = map;
    map.catch(() => {
      if (this.#map === map) this.#map = null;
    });
    return map;
  }

  async #read(): Promise<FleetMap> {
    const zones = new Dictionary();
    const racks = new Dictionary();
    const name: string[] = [];
    const columns = { state: [], zone: [], rack: [], cpu: [], mem: [], vms: [] } as Record<
      'state' | 'zone' | 'rack' | 'cpu' | 'mem' | 'vms',
      number[]
    >;
    const hosts = cloudTables(this.#store.reader).selectFrom('hosts').select(COLUMNS).orderBy('name');
    for (let last: string | undefined; ; ) {
      const page = hosts.limit(PAGE);
      const rows = await (last === undefined ? page : page.where('name', '>', last)).execute();
      for (const row of rows as unknown as HostRow[]) {
        const [used, limit] = [usedOf(row), limitsOf(row)];
        name.push(row.name);
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
    return { states: STATES, zones: zones.words, racks: racks.words, name, ...columns };
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
