import type { Kysely } from 'kysely';
import type { Store } from '../../store/store.ts';

/** The key of a submission is remembered for so long after its message was accepted. */
const KEY_KEPT_MS = 30 * 24 * 3_600_000;
const LOOK_MS = 3_600_000;
/** Keys of one transaction: others have their turn between two. */
const KEYS_MAX = 500;

interface Tables {
  messages: { msgid: number; created: number };
  idempotency: { key: string; msgid: number };
}

/**
 * Forgets, now and every hour, the idempotency keys of messages that were accepted long ago. Every server does it; what another one
 * has forgotten is not there. Returns what ends it.
 */
export function forgetKeysHourly(store: Store, onFault: (error: unknown) => void): () => void {
  const look = (): void => void forgetKeys(store).catch(onFault);
  look();
  const timer = setInterval(look, LOOK_MS).unref();
  return () => clearInterval(timer);
}

/** Forgets the keys of messages that were accepted so long ago. Returns how many. */
export async function forgetKeys(store: Store, keptMs = KEY_KEPT_MS): Promise<number> {
  const first = await firstAfter(store, store.now() - keptMs);
  for (let forgotten = 0; ; ) {
    const keys = await store.transact(async ({ db: anyDb }) => {
      const db = anyDb as Kysely<Tables>;
      const old = db.selectFrom('idempotency').select('key').where('msgid', '<', first).limit(KEYS_MAX);
      const gone = await db.deleteFrom('idempotency').where('key', 'in', old).executeTakeFirst();
      return Number(gone.numDeletedRows);
    });
    forgotten += keys;
    if (keys < KEYS_MAX) return forgotten;
  }
}

/**
 * The first msgid that was given after that time. Msgids grow with time, so it is found by halving. Those that were archived are not
 * there, and are older than what is.
 */
async function firstAfter({ reader }: Store, time: number): Promise<number> {
  const db = reader as Kysely<Tables>;
  const at = (msgid: number) =>
    db
      .selectFrom('messages')
      .select(['msgid', 'created'])
      .where('msgid', '>=', msgid)
      .orderBy('msgid')
      .limit(1)
      .executeTakeFirst();
  const newest = await db
    .selectFrom('messages')
    .select(({ fn }) => fn.max('msgid').as('msgid'))
    .executeTakeFirst();
  let low = 1;
  let high = Number(newest?.msgid ?? 0) + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await at(middle);
    if (found !== undefined && Number(found.created) < time) low = Number(found.msgid) + 1;
    else high = middle;
  }
  return low;
}
