import type { Store } from '../../store/store.ts';
import type { Wave } from './plan-waves.ts';
import { type RolloutHostState, rolloutTables } from './schema.ts';

/** Hosts that a view names at most. */
const NAMED_MAX = 100;

type Counts = Readonly<Record<RolloutHostState, number>>;

export interface RolloutProgress {
  readonly msgid: number;
  readonly package: string;
  readonly version: string;
  readonly state: 'under_way' | 'done' | 'undone';
  /** A person must approve before it goes on. */
  readonly paused: boolean;
  /** So many hosts may fail. */
  readonly allowed: number;
  readonly hosts: Counts;
  readonly waves: readonly (Wave & { readonly counts: Counts })[];
  /** Index of the wave under way, or done last; -1 before the first. */
  readonly wave: number;
  readonly failed: readonly { readonly host: string; readonly reason: string }[];
  /** Meant, and not up when it began. */
  readonly skipped: readonly string[];
}

const NONE: Counts = { waiting: 0, under_way: 0, done: 0, failed: 0, undone: 0 };

/** How far the rollout of that message is; null if it is none. */
export async function rolloutProgress(
  { reader }: Pick<Store, 'reader'>,
  msgid: number,
): Promise<RolloutProgress | null> {
  const db = rolloutTables(reader);
  const row = await db.selectFrom('rollouts').selectAll().where('msgid', '=', msgid).executeTakeFirst();
  if (row === undefined) return null;
  const counted = await db
    .selectFrom('rollout_hosts')
    .select(({ fn }) => ['wave', 'state', fn.countAll().as('count')])
    .where('rollout', '=', msgid)
    .groupBy(['wave', 'state'])
    .execute();
  const failed = await db
    .selectFrom('rollout_hosts')
    .select(['host', 'reason'])
    .where('rollout', '=', msgid)
    .where('state', '=', 'failed')
    .orderBy('host')
    .limit(NAMED_MAX)
    .execute();
  const countsOf = (wave: number | null): Counts => {
    const counts: Record<RolloutHostState, number> = { ...NONE };
    for (const one of counted)
      if (wave === null || Number(one.wave) === wave) counts[one.state] += Number(one.count);
    return counts;
  };
  return {
    msgid,
    package: row.package,
    version: row.version,
    state: row.state,
    paused: Number(row.paused) === 1,
    allowed: Number(row.allowed),
    hosts: countsOf(null),
    waves: (JSON.parse(row.waves) as Wave[]).map(wave => ({ ...wave, counts: countsOf(wave.wave) })),
    wave: Number(row.wave),
    failed,
    skipped: (JSON.parse(row.skipped) as string[]).slice(0, NAMED_MAX),
  };
}
