import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Parameters } from '../message/message.ts';
import type { Allocation } from '../store/store.ts';
import type { Tx } from '../store/tx.ts';
import { type AllocationRow, cloudTables } from './schema.ts';

/** Whose allocation it is: every one names the message and the step that made it. */
export interface Holder {
  readonly msgid: number;
  readonly step: number;
}

/** Writes an allocation. False, and nothing written, when that key is taken. */
export async function allocate(
  tx: Tx,
  kind: string,
  key: string,
  holder: Holder,
  detail: Parameters,
): Promise<boolean> {
  const written = await cloudTables(tx.db)
    .insertInto('allocations')
    .values({
      kind,
      key,
      msgid: holder.msgid,
      detail: JSON.stringify({ ...detail, step: holder.step }),
      created: tx.now,
    })
    .onConflict(conflict => conflict.columns(['kind', 'key']).doNothing())
    .executeTakeFirst();
  return Number(written.numInsertedOrUpdatedRows ?? 0) > 0;
}

/** Takes out what that step of that message holds of one kind, and tells what it was; none when it holds none. */
export async function takeOut(tx: Tx, kind: string, holder: Holder): Promise<Allocation[]> {
  const held = await ofMessage(tx, kind, holder.msgid);
  const mine = held.filter(({ detail }) => detail.step === holder.step);
  for (const { key } of mine) {
    await cloudTables(tx.db)
      .deleteFrom('allocations')
      .where('kind', '=', kind)
      .where('key', '=', key)
      .execute();
  }
  return mine;
}

export async function ofMessage(tx: Tx, kind: string, msgid: number): Promise<Allocation[]> {
  const rows = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('msgid', '=', msgid)
    .where('kind', '=', kind)
    .orderBy('key')
    .execute();
  return rows.map(allocationOf);
}

export async function allocationAt(
  tx: Pick<Tx, 'db'>,
  kind: string,
  key: string,
): Promise<Allocation | null> {
  const row = await cloudTables(tx.db)
    .selectFrom('allocations')
    .selectAll()
    .where('kind', '=', kind)
    .where('key', '=', key)
    .executeTakeFirst();
  return row ? allocationOf(row) : null;
}

/** An allocation with the project of its message. */
export interface Owned extends Allocation {
  readonly project: string;
}

/** Allocations of one kind, by key, with whose they are: of these projects, or of all. A missing message hides nothing. */
export async function ownedAllocations(
  { db }: Pick<Tx, 'db'>,
  kind: string,
  projects?: readonly string[],
): Promise<Owned[]> {
  if (projects?.length === 0) return [];
  const rows = await cloudTables(db)
    .selectFrom('allocations as a')
    .leftJoin('messages as m', 'm.msgid', 'a.msgid')
    .selectAll('a')
    .select(({ fn, val }) => fn.coalesce('m.project', val(DEFAULT_PROJECT)).as('project'))
    .where('a.kind', '=', kind)
    .$if(projects !== undefined, query =>
      query.where(({ fn, val, eb }) =>
        eb(fn.coalesce('m.project', val(DEFAULT_PROJECT)), 'in', [...(projects ?? [])]),
      ),
    )
    .orderBy('a.key')
    .execute();
  return rows.map(row => ({ ...allocationOf(row), project: String(row.project) }));
}

/** Whose a message is. */
export async function projectOf({ db }: Pick<Tx, 'db'>, msgid: number): Promise<string> {
  const row = await cloudTables(db)
    .selectFrom('messages')
    .select('project')
    .where('msgid', '=', msgid)
    .executeTakeFirst();
  return row?.project ?? DEFAULT_PROJECT;
}

export async function changeDetail(tx: Tx, kind: string, key: string, detail: Parameters): Promise<void> {
  await cloudTables(tx.db)
    .updateTable('allocations')
    .set({ detail: JSON.stringify(detail) })
    .where('kind', '=', kind)
    .where('key', '=', key)
    .execute();
}

export function allocationOf(row: AllocationRow): Allocation {
  return {
    kind: row.kind,
    key: row.key,
    msgid: Number(row.msgid),
    detail: JSON.parse(row.detail) as Parameters,
    created: Number(row.created),
  };
}
