import type { Parameters } from '../../message/message.ts';
import type { Tx } from '../../store/tx.ts';
import { type OwedRow, owedTables } from './schema.ts';

/** A guest that must not be there any more, at a host that could not be told. */
export interface Owed {
  readonly host: string;
  readonly uuid: string;
  readonly name: string;
  readonly msgid: number;
  readonly detail: Parameters;
}

const keyOf = (host: string, uuid: string): string => `${host}/${uuid}`;

/** Writes down that the guest must be deleted at that host. Safe to repeat; what was done and is owed anew is owed. */
export async function owe(tx: Tx, owed: Owed): Promise<void> {
  const row: OwedRow = {
    ...owed,
    key: keyOf(owed.host, owed.uuid),
    kind: 'delete_guest',
    detail: JSON.stringify(owed.detail),
    created: tx.now,
    done: 0,
  };
  const { key: _, ...again } = row;
  await owedTables(tx.db)
    .insertInto('owed')
    .values(row)
    .onConflict(conflict => conflict.column('key').doUpdateSet(again))
    .execute();
}

/** What is owed at a host and not done yet, oldest first. */
export async function owedAt({ db }: Pick<Tx, 'db'>, host: string): Promise<OwedRow[]> {
  return await owedTables(db)
    .selectFrom('owed')
    .selectAll()
    .where('host', '=', host)
    .where('done', '=', 0)
    .orderBy('created')
    .orderBy('key')
    .execute();
}

/** The guest is gone. Does nothing when nothing was owed. */
export async function settleOwed(tx: Tx, host: string, uuid: string): Promise<void> {
  await owedTables(tx.db)
    .updateTable('owed')
    .set({ done: tx.now })
    .where('key', '=', keyOf(host, uuid))
    .where('done', '=', 0)
    .execute();
}

/** How many are owed at each host; hosts without any are missing. */
export async function owedByHost(
  { db }: Pick<Tx, 'db'>,
  hosts?: readonly string[],
): Promise<Map<string, number>> {
  const rows = await owedTables(db)
    .selectFrom('owed')
    .select(['host', eb => eb.fn.countAll<number>().as('count')])
    .where('done', '=', 0)
    .$if(hosts !== undefined, query => query.where('host', 'in', [...(hosts ?? [])]))
    .groupBy('host')
    .execute();
  return new Map(rows.map(row => [row.host, Number(row.count)]));
}
