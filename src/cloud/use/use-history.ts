import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import type { AgentReport } from '../agents/agent-report.ts';
import { agentTables } from '../agents/schema.ts';
import { type GuestUse, ratesBetween, type UseRates } from './guest-use.ts';
import { useTables } from './schema.ts';

/** One slot of a host's ring, and how many there are: an hour. */
export const SLOT_MS = 30_000;
const SLOTS = 120;
const NOW_SLOT = -1;
/** What was told longer ago than this says nothing of now. */
const STALE_MS = 30_000;

/** What a guest uses now, and when that was told. */
export interface UseNow {
  readonly at: number;
  readonly host: string;
  readonly use: GuestUse;
}

/** What a guest used on average of the time that ended at `at`. */
export interface UsePoint extends UseRates {
  readonly at: number;
  /** How long that time was. */
  readonly seconds: number;
  /** At its end. */
  readonly rssBytes: number;
  readonly pssBytes: number | null;
}

type Uses = Readonly<Record<string, GuestUse>>;

/** Whether a host's ring has nothing yet for the slot that this instant is in. */
export const isSlotDue = (beforeMs: number, nowMs: number): boolean =>
  Math.floor(beforeMs / SLOT_MS) !== Math.floor(nowMs / SLOT_MS);

/** Writes a host's slot; it is bounded, for it writes over that of an hour ago. */
export async function keepSlot(db: Tx['db'], host: string, at: number, uses: Uses): Promise<void> {
  await write(db, Math.floor(at / SLOT_MS) % SLOTS, host, at, uses);
}

/** Writes what the guests of a host that a server runs use now. */
export async function keepNow(db: Tx['db'], host: string, at: number, uses: Uses): Promise<void> {
  await write(db, NOW_SLOT, host, at, uses);
}

async function write(db: Tx['db'], slot: number, host: string, at: number, uses: Uses): Promise<void> {
  const guests = JSON.stringify(uses);
  await useTables(db)
    .insertInto('guest_use')
    .values({ slot, host, at, guests })
    .onConflict(conflict => conflict.columns(['slot', 'host']).doUpdateSet({ at, guests }))
    .execute();
}

/** What guests use now by their uuids, of all hosts or of one, as far as their hosts told it lately. */
export async function usesNow(store: Store, host?: string): Promise<ReadonlyMap<string, UseNow>> {
  const since = store.now() - STALE_MS;
  const found = new Map<string, UseNow>();
  let reports = agentTables(store.reader)
    .selectFrom('agents')
    .select(['host', 'seen', 'report'])
    .where('seen', '>=', since);
  if (host !== undefined) reports = reports.where('host', '=', host);
  for (const row of await reports.execute()) {
    if (row.report === '') continue;
    for (const { uuid, use } of (JSON.parse(row.report) as AgentReport).guests)
      if (use) found.set(uuid, { at: Number(row.seen), host: row.host, use });
  }
  let own = useTables(store.reader)
    .selectFrom('guest_use')
    .selectAll()
    .where('slot', '=', NOW_SLOT)
    .where('at', '>=', since);
  if (host !== undefined) own = own.where('host', '=', host);
  for (const row of await own.execute()) {
    for (const [uuid, use] of Object.entries(JSON.parse(row.guests) as Uses))
      found.set(uuid, { at: Number(row.at), host: row.host, use });
  }
  return found;
}

/** What a guest used in the last hour on that host, oldest first. */
export async function useHistory(store: Store, host: string, uuid: string): Promise<UsePoint[]> {
  const rows = await useTables(store.reader)
    .selectFrom('guest_use')
    .select(['at', 'guests'])
    .where(
      'slot',
      'in',
      Array.from({ length: SLOTS }, (_, slot) => slot),
    )
    .where('host', '=', host)
    .where('at', '>', store.now() - SLOTS * SLOT_MS)
    .orderBy('at')
    .execute();
  const points: UsePoint[] = [];
  let was: GuestUse | undefined;
  for (const row of rows) {
    const use = (JSON.parse(row.guests) as Uses)[uuid];
    const rates = was && use ? ratesBetween(was.counters, use.counters) : null;
    if (rates !== null) {
      const seconds = (use!.counters.atMs - was!.counters.atMs) / 1000;
      points.push({
        at: Number(row.at),
        seconds,
        ...rates,
        rssBytes: use!.rssBytes,
        pssBytes: use!.pssBytes,
      });
    }
    was = use;
  }
  return points;
}
