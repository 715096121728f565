import type { Tx } from '../../store/tx.ts';
import { locked } from '../change-marks.ts';
import { cloudTables } from '../schema.ts';

/** Others may take addresses in between where several servers share a store; each loss means that one of them won. */
const RACES_MAX = 100;

/** Takes the lowest free address of a network; null when there is none. Two or three rows by key, however many are taken. */
export async function takeLowest(tx: Tx, network: string): Promise<number | null> {
  const db = cloudTables(tx.db);
  for (let race = 0; race < RACES_MAX; race++) {
    const range = await db
      .selectFrom('free_ranges')
      .select(['low', 'high'])
      .where('network', '=', network)
      .orderBy('low')
      .limit(1)
      .executeTakeFirst();
    if (!range) return null;
    if (await cut(tx, network, Number(range.low), Number(range.high), Number(range.low)))
      return Number(range.low);
  }
  return null;
}

/** Ranges that are looked at for many addresses at once. */
const RANGES_AT_ONCE = 100;

/**
 * Takes the lowest free addresses of a network, so many or as many as there are. Others who take of it wait until this
 * transaction ends.
 */
export async function takeLowestMany(tx: Tx, network: string, count: number): Promise<number[]> {
  const db = cloudTables(tx.db);
  const taken: number[] = [];
  for (let race = 0; taken.length < count && race < RACES_MAX; race++) {
    const query = db
      .selectFrom('free_ranges')
      .select(['low', 'high'])
      .where('network', '=', network)
      .orderBy('low')
      .limit(Math.min(count - taken.length, RANGES_AT_ONCE));
    const ranges = await locked(tx, query).execute();
    // One that another has taken as a whole is none any more: what is left shows at the next look.
    if (ranges.length === 0 && (await countRanges(tx, network)) === 0) break;
    for (const range of ranges.sort((a, b) => Number(a.low) - Number(b.low))) {
      const [low, high] = [Number(range.low), Number(range.high)];
      const end = Math.min(high, low + count - taken.length - 1);
      if (end < low) break;
      if (end === high)
        await db.deleteFrom('free_ranges').where('network', '=', network).where('low', '=', low).execute();
      else
        await db
          .updateTable('free_ranges')
          .set({ low: end + 1 })
          .where('network', '=', network)
          .where('low', '=', low)
          .execute();
      for (let address = low; address <= end; address += 1) taken.push(address);
    }
  }
  return taken;
}

async function countRanges(tx: Tx, network: string): Promise<number> {
  const row = await cloudTables(tx.db)
    .selectFrom('free_ranges')
    .select(({ fn }) => fn.countAll().as('ranges'))
    .where('network', '=', network)
    .executeTakeFirst();
  return Number(row?.ranges ?? 0);
}

/** Takes that address if it is free. */
export async function takeAddress(tx: Tx, network: string, address: number): Promise<boolean> {
  const range = await cloudTables(tx.db)
    .selectFrom('free_ranges')
    .select(['low', 'high'])
    .where('network', '=', network)
    .where('low', '<=', address)
    .orderBy('low', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!range || Number(range.high) < address) return false;
  return await cut(tx, network, Number(range.low), Number(range.high), address);
}

/** Gives an address back; joins it with its free neighbours. Giving a free one back changes nothing. */
export async function giveBack(tx: Tx, network: string, address: number): Promise<void> {
  const db = cloudTables(tx.db);
  const near = await db
    .selectFrom('free_ranges')
    .select(['low', 'high'])
    .where('network', '=', network)
    .where('low', '<=', address + 1)
    .orderBy('low', 'desc')
    .limit(2)
    .execute();
  let low = address;
  let high = address;
  for (const range of near) {
    const from = Number(range.low);
    const to = Number(range.high);
    if (from <= address && address <= to) return;
    if (to !== address - 1 && from !== address + 1) continue;
    low = Math.min(low, from);
    high = Math.max(high, to);
    await db.deleteFrom('free_ranges').where('network', '=', network).where('low', '=', from).execute();
  }
  await db.insertInto('free_ranges').values({ network, low, high }).execute();
}

/** Takes one address out of a run; false if the run is no longer what it was. */
async function cut(tx: Tx, network: string, low: number, high: number, address: number): Promise<boolean> {
  const db = cloudTables(tx.db);
  const run = db.deleteFrom('free_ranges').where('network', '=', network).where('low', '=', low);
  const gone = await run.where('high', '=', high).executeTakeFirst();
  if (Number(gone.numDeletedRows) === 0) return false;
  const left = [
    { network, low, high: address - 1 },
    { network, low: address + 1, high },
  ].filter(rest => rest.low <= rest.high);
  if (left.length > 0) await db.insertInto('free_ranges').values(left).execute();
  return true;
}
