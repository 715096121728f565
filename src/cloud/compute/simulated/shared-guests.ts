import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Kysely } from 'kysely';
import type { Store, StoreTx } from '../../../store/store.ts';
import { type Entry, type GuestBook, GuestFiles } from './guest-book.ts';
import { openSimulated, SimulatedHypervisor } from './simulated.ts';

/**
 * Guests of simulated hosts where several servers share the store: such a host is a book that any of them may keep, and each has
 * a data directory of its own. `guest`: JSON of an `Entry`.
 */
export const simulatedSchema = [
  {
    id: 'cloud-0008',
    sql: [
      `CREATE TABLE simulated_guests (
        host text NOT NULL,
        uuid text NOT NULL,
        guest text NOT NULL,
        PRIMARY KEY (host, uuid))`,
    ],
  },
] as const;

interface SimulatedTables {
  simulated_guests: { host: string; uuid: string; guest: string };
  cloud_settings: { name: string; value: string };
}

// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
const tablesOf = (db: Kysely<any>): Kysely<SimulatedTables> => db as Kysely<SimulatedTables>;

type SharedStore = Pick<Store, 'capabilities' | 'reader' | 'transact' | 'transactBeside'>;

/** In `simulated_guests`. */
class GuestTable implements GuestBook {
  readonly #store: SharedStore;
  readonly #host: string;

  constructor(store: SharedStore, host: string) {
    this.#store = store;
    this.#host = host;
  }

  async read(uuid: string): Promise<Entry | null> {
    return entryOf(await this.#rows().where('uuid', '=', uuid).executeTakeFirst());
  }

  async change(uuid: string, to: (kept: Entry | null) => Entry): Promise<Entry> {
    return await this.#store.transactBeside(async tx => {
      const kept = entryOf(await this.#rows(tx).where('uuid', '=', uuid).forUpdate().executeTakeFirst());
      const entry = to(kept);
      if (entry !== kept) await putGuests(tx, this.#host, [entry]);
      return entry;
    });
  }

  async remove(uuid: string): Promise<void> {
    await this.#store.transactBeside(tx =>
      tablesOf(tx.db)
        .deleteFrom('simulated_guests')
        .where('host', '=', this.#host)
        .where('uuid', '=', uuid)
        .execute(),
    );
  }

  async all(): Promise<readonly Entry[]> {
    const rows = await this.#rows().orderBy('uuid').execute();
    return rows.map(({ guest }) => JSON.parse(guest) as Entry);
  }

  #rows(tx?: StoreTx) {
    return tablesOf(tx?.db ?? this.#store.reader)
      .selectFrom('simulated_guests')
      .select('guest')
      .where('host', '=', this.#host);
  }
}

const entryOf = (row: { guest: string } | undefined): Entry | null =>
  row === undefined ? null : (JSON.parse(row.guest) as Entry);

async function putGuests(tx: StoreTx, host: string, entries: readonly Entry[]): Promise<void> {
  for (const entry of entries) {
    const guest = JSON.stringify(entry);
    await tablesOf(tx.db)
      .insertInto('simulated_guests')
      .values({ host, uuid: entry.spec.uuid, guest })
      .onConflict(conflict => conflict.columns(['host', 'uuid']).doUpdateSet({ guest }))
      .execute();
  }
}

const isShared = ({ capabilities }: SharedStore): boolean => capabilities.engine === 'postgres';

/** A simulated host of a server: in the store where others may share that, else in the server's data directory. */
export function simulatedHost(store: SharedStore, dataDir: string, host: string): SimulatedHypervisor {
  return isShared(store)
    ? new SimulatedHypervisor(new GuestTable(store, host))
    : openSimulated({ dataDir, host });
}

/** Set in a store that has the guests, rather than a data directory. */
const IN_STORE = 'simulated_guests';

/** Takes along the guests of an installation whose store was copied to the other engine. To be called at each start, before they are looked at. */
export async function moveSimulatedGuests(store: SharedStore, dataDir: string): Promise<void> {
  const folder = join(resolve(dataDir), 'sim');
  const isHere = await hasSetting(store);
  if (isShared(store) === isHere) return;
  if (isShared(store)) await store.transact(tx => toStore(tx, folder));
  else await toFolder(store, folder);
}

async function hasSetting({ reader }: SharedStore): Promise<boolean> {
  const found = await tablesOf(reader)
    .selectFrom('cloud_settings')
    .select('value')
    .where('name', '=', IN_STORE)
    .executeTakeFirst();
  return found !== undefined;
}

/** The files stay: the copied store may yet be given up for the first one. Of several servers that start at once one does it. */
async function toStore(tx: StoreTx, folder: string): Promise<void> {
  const set = await tablesOf(tx.db)
    .insertInto('cloud_settings')
    .values({ name: IN_STORE, value: '1' })
    .onConflict(conflict => conflict.column('name').doNothing())
    .executeTakeFirst();
  if (Number(set.numInsertedOrUpdatedRows ?? 0) === 0) return;
  const hosts = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  for (const { name } of hosts.filter(entry => entry.isDirectory()))
    await putGuests(tx, name, new GuestFiles(join(folder, name)).all());
}

/** Repeated from the start if it is cut short. */
async function toFolder(store: SharedStore, folder: string): Promise<void> {
  const rows = await tablesOf(store.reader).selectFrom('simulated_guests').selectAll().execute();
  rmSync(folder, { recursive: true, force: true });
  for (const { host, guest } of rows) new GuestFiles(join(folder, host)).write(JSON.parse(guest) as Entry);
  await store.transact(async tx => {
    await tablesOf(tx.db).deleteFrom('simulated_guests').execute();
    await tablesOf(tx.db).deleteFrom('cloud_settings').where('name', '=', IN_STORE).execute();
  });
}
