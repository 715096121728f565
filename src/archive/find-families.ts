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
    const roots = page.filter(
      row => row.parent_msgid === null && FINISHED.has(row.phase) && row.updated < before,
    );
    yield* await familiesOf(
      db,
      roots.map(({ msgid }) => msgid),
      before,
    );
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.msgid;
    await new Promise(resolve => setImmediate(resolve));
  }
}

async function familiesOf(db: Kysely<Tables>, roots: readonly number[], before: number): Promise<Family[]> {
  const families = new Map<number, MessageRow[]>(roots.map(root => [root, []]));
  const rootOf = new Map<number, number>();
  let level = [...roots];
  for (let which: 'msgid' | 'parent_msgid' = 'msgid'; level.length > 0; which = 'parent_msgid') {
    const found: MessageRow[] = [];
    for (const msgids of pagesOf(level))
      found.push(...(await db.selectFrom('messages').selectAll().where(which, 'in', msgids).execute()));
    for (const row of found) {
      const root = which === 'msgid' ? row.msgid : (rootOf.get(row.parent_msgid as number) as number);
      rootOf.set(row.msgid, root);
      families.get(root)?.push(row);
      if (!FINISHED.has(row.phase) || row.updated >= before) families.delete(root);
    }
    level = found.map(({ msgid }) => msgid);
  }
  for (const msgids of pagesOf([...rootOf.keys()])) {
    const held = await db.selectFrom('allocations').select('msgid').where('msgid', 'in', msgids).execute();
    for (const { msgid } of held) families.delete(rootOf.get(msgid) as number);
  }
  return [...families.values()].map(family => family.sort((a, b) => a.msgid - b.msgid));
}

function pagesOf(msgids: readonly number[]): number[][] {
  return Array.from({ length: Math.ceil(msgids.length / PAGE) }, (_, page) =>
    msgids.slice(page * PAGE, (page + 1) * PAGE),
  );
}
