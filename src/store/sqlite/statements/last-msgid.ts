import type { Connection } from '../connection.ts';

/**
 * The newest msgid that was ever given. It is read from what there is rather than counted on a page of its own, which every accepted message
 * would write: the newest message, what was archived, and what was known when the store last was idle or closed (so that fsck misses the
 * newest messages when somebody deletes them). A database from before 0008 has SQLite's count.
 */
export const LAST_MSGID = `max(
  ifnull((SELECT max(msgid) FROM messages), 0),
  ifnull((SELECT last FROM msgid_gaps ORDER BY first DESC LIMIT 1), 0),
  ifnull((SELECT value FROM meta WHERE name = 'last_msgid'), 0),
  ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0))`;

export function lastMsgid(connection: Connection): number {
  return connection.get<{ msgid: number }>(`SELECT ${LAST_MSGID} AS msgid`)?.msgid ?? 0;
}

/** Keeps it; called inside a transaction. */
export function keepLastMsgid(connection: Connection, msgid = lastMsgid(connection)): void {
  connection.run(`UPDATE meta SET value = ?1 WHERE name = 'last_msgid' AND value < ?1`, msgid);
}
