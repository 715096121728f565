import type { Kysely } from 'kysely';
import type { MessageRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';

interface Tables {
  messages: MessageRow;
  allocations: { msgid: number };
}

/** A finished top-level message with all its descendants, in the order of their msgids. */
export type Family = readonly MessageRow[];

const PAGE = 500;
const FINISHED = new Set(['done', 'rolled_back']);

/**
 * Families that have been at rest since before `before` (ms since 1970) and hold nothing: no claim, no address, no VM, and
 * nothing that another's VM is used for. Read page by page, the oldest first.
 */
export async function* findFamilies(store: Store, before: number): AsyncGenerator<Family> {
  const db = store.reader as Kysely<Tables>;
  for (let after = 0; ; ) {
    const page = await db
      .selectFrom('messages')
      .select(['msgid', 'phase', 'parent_msgid', 'updated'])
      .where('msgid', '>', after)
      .orderBy('msgid')
      .limit(PAGE)
      .execute();
    const old = page.filter(
      row => row.parent_msgid === null && FINISHED.has(row.phase) && row.updated < before,
    );
    for (const { msgid } of old) {
      const family = await familyOf(db, msgid, before);
      if (family !== null) yield family;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.msgid;
    await new Promise(resolve => setImmediate(resolve));
  }
}

async function familyOf(db: Kysely<Tables>, msgid: number, before: number): Promise<Family | null> {
  const family: MessageRow[] = [];
  let level = [msgid];
  for (let which: 'msgid' | 'parent_msgid' = 'msgid'; level.length > 0; which = 'parent_msgid') {
    const found: MessageRow[] = [];
    for (let at = 0; at < level.length; at += PAGE) {
      const some = level.slice(at, at + PAGE);
      found.push(...(await db.selectFrom('messages').selectAll().where(which, 'in', some).execute()));
    }
    if (found.some(row => !FINISHED.has(row.phase) || row.updated >= before)) return null;
    if (
      await holdsSomething(
        db,
        found.map(row => row.msgid),
      )
    )
      return null;
    family.push(...found);
    level = found.map(row => row.msgid);
  }
  return family.sort((a, b) => a.msgid - b.msgid);
}

async function holdsSomething(db: Kysely<Tables>, msgids: readonly number[]): Promise<boolean> {
  for (let at = 0; at < msgids.length; at += PAGE) {
    const held = await db
      .selectFrom('allocations')
      .select('msgid')
      .where('msgid', 'in', msgids.slice(at, at + PAGE))
      .limit(1)
      .execute();
    if (held.length > 0) return true;
  }
  return false;
}
