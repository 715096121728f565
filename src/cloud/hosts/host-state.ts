import { Terminal } from '../../step/step-errors.ts';
import type { Tx } from '../../store/tx.ts';
import { nextMark } from '../change-marks.ts';
import { owedTables } from '../owed/schema.ts';
import { cloudTables, type HostRow, type HostState } from '../schema.ts';

/** Errors: Terminal COAX_NOT_FOUND. */
export async function hostNamed({ db }: Pick<Tx, 'db'>, name: string): Promise<HostRow> {
  const row = await cloudTables(db)
    .selectFrom('hosts')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst();
  if (row) return row;
  throw new Terminal(`there is no host ${name}; \`coax host ls\` lists them`, { code: 'COAX_NOT_FOUND' });
}

/** Does a person want it empty? Remembered through a time in which it is down. */
export async function drains({ db }: Pick<Tx, 'db'>, host: string): Promise<boolean> {
  const row = await owedTables(db)
    .selectFrom('host_states')
    .select('drains')
    .where('host', '=', host)
    .executeTakeFirst();
  return Number(row?.drains ?? 0) === 1;
}

/** Hosts of which more is remembered than their state. */
export async function rememberedHosts({ db }: Pick<Tx, 'db'>): Promise<{
  readonly draining: ReadonlySet<string>;
  readonly away: ReadonlySet<string>;
}> {
  const rows = await owedTables(db)
    .selectFrom('host_states')
    .selectAll()
    .where(eb => eb.or([eb('drains', '=', 1), eb('away', '=', 1)]))
    .execute();
  const names = (fact: 'drains' | 'away') =>
    new Set(rows.filter(row => Number(row[fact]) === 1).map(({ host }) => host));
  return { draining: names('drains'), away: names('away') };
}

/** The one place where a host changes its state: always in a step's transaction, so that who and why stand in the ledger. */
export async function setState(
  tx: Tx,
  host: string,
  to: {
    readonly state: HostState;
    readonly reason: string;
    readonly drains?: boolean;
    readonly away?: boolean;
  },
): Promise<void> {
  await cloudTables(tx.db)
    .updateTable('hosts')
    .set({ state: to.state, reason: to.reason, changed: nextMark(tx.db) })
    .where('name', '=', host)
    .execute();
  const was = await owedTables(tx.db)
    .selectFrom('host_states')
    .select(['drains', 'away'])
    .where('host', '=', host)
    .executeTakeFirst();
  const row = {
    since: tx.now,
    drains: Number(to.drains ?? Number(was?.drains ?? 0) === 1),
    away: Number(to.away ?? Number(was?.away ?? 0) === 1),
  };
  await owedTables(tx.db)
    .insertInto('host_states')
    .values({ host, ...row })
    .onConflict(conflict => conflict.column('host').doUpdateSet(row))
    .execute();
}

/** Since when each host, or that one, is in its state, as far as a message changed it. */
export async function statesSince(
  { db }: Pick<Tx, 'db'>,
  hosts?: readonly string[],
): Promise<Map<string, number>> {
  const all = owedTables(db).selectFrom('host_states').select(['host', 'since']);
  const rows = await (hosts === undefined ? all : all.where('host', 'in', [...hosts])).execute();
  return new Map(rows.map(row => [row.host, Number(row.since)]));
}
