import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import type { GuestWiring } from '../compute/compute-module.ts';
import { cloudTables, type NetworkRow } from '../schema.ts';
import { guestRanges } from './address.ts';

/** Locally administered; QEMU's own choice. */
const MAC_PREFIX = '52:54:00';

export interface NetworkSpec {
  readonly cidr: string;
  readonly gateway: string;
  readonly prefix: number;
  readonly mode: 'tap' | 'user';
  readonly httpPort: number;
  readonly simulated: boolean;
}

/**
 * Finds the network with that subnet and mode, or makes it with all its addresses free; gives its name. A name whose
 * subnet is another one already (the host's network changed) is left to the guests that have its addresses.
 */
export async function registerNetwork(tx: Tx, name: string, spec: NetworkSpec): Promise<string> {
  const db = cloudTables(tx.db);
  const known = await db.selectFrom('networks').selectAll().execute();
  const same = known.find(row => isSame(row, spec));
  if (same) {
    await db
      .updateTable('networks')
      .set({ http_port: spec.httpPort })
      .where('name', '=', same.name)
      .execute();
    return same.name;
  }
  const taken = new Set(known.map(row => row.name));
  let fresh = name;
  for (let number = 2; taken.has(fresh); number++) fresh = `${name}-${number}`;
  await db
    .insertInto('networks')
    .values({
      name: fresh,
      cidr: spec.cidr,
      gateway: spec.gateway,
      prefix: spec.prefix,
      mode: spec.mode,
      http_port: spec.httpPort,
      mac_prefix: MAC_PREFIX,
      simulated: Number(spec.simulated),
      created: tx.now,
    })
    .execute();
  const ranges = guestRanges(spec.cidr, spec.gateway);
  await db
    .insertInto('free_ranges')
    .values(ranges.map(range => ({ network: fresh, ...range })))
    .execute();
  return fresh;
}

function isSame(row: NetworkRow, spec: NetworkSpec): boolean {
  return (
    row.cidr === spec.cidr &&
    row.gateway === spec.gateway &&
    row.mode === spec.mode &&
    Number(row.simulated) === Number(spec.simulated)
  );
}

/** How the guests of that network are wired, as the store says; null if there is no such network. */
export async function wiringOf(store: Pick<Store, 'reader'>, name: string): Promise<GuestWiring | null> {
  const row = await cloudTables(store.reader)
    .selectFrom('networks')
    .select(['mode', 'prefix', 'gateway', 'http_port'])
    .where('name', '=', name)
    .executeTakeFirst();
  if (!row) return null;
  return {
    mode: row.mode,
    prefix: Number(row.prefix),
    gateway: row.gateway,
    httpPort: Number(row.http_port),
  };
}
