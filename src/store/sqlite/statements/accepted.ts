import type { FirstMessage } from '../../first-message.ts';
import type { Connection } from '../connection.ts';

/*
 * A message that is accepted alone is written as one row of `accepted`, on one page of the log, where its rows in `messages` and `commits` and
 * their places in the indexes take four. They are put there together: when anything wants to read messages or move one, when the store is
 * idle, when it opens after a crash, and when there are SETTLE_AT. Until then nobody looks at those tables (sqlite-store.ts).
 */

/**
 * So many wait at most. To put them in their places takes some 8 ms, and the next wait for the disk is that for all of their pages, too: two
 * requests of a thousand.
 */
export const SETTLE_AT = 1024;
/** Characters of a commit and its parameters: a row that needs pages of its own gains nothing. */
const SMALL = 3000;

const MESSAGE = `msgid, flow, plan, mode, cursor, attempt, phase, floor, base, trail, seq, head, address, ready_at, fence, begun,
  project, actor, labels, trace, created, updated`;
const AS_MESSAGE = `msgid, flow, plan, 'normal', 0, 0, phase, 0, base, '[]', 0, id, address, ready_at, 0, 0,
  project, actor, labels, trace, ready_at, ready_at`;
const AS_COMMIT = 'pos, msgid, 0, id, body, NULL';
const LABELS = 'msgid, key, value FROM main.accepted, json_each(labels) WHERE labels IS NOT NULL';

/** Whether it can wait there: a small message of its own, that begins at its plan's first step. */
export function canWait({ message, encoded }: FirstMessage, base: string): boolean {
  return message.parent === null && message.floor === 0 && encoded.length + base.length <= SMALL;
}

export interface AcceptedRow {
  readonly pos: number;
  readonly first: FirstMessage;
  readonly planHash: string;
  readonly base: string;
  readonly address: string | null;
  readonly labels: string | null;
  readonly trace: string | null;
}

export function insertAccepted(connection: Connection, row: AcceptedRow): void {
  const { message, encoded } = row.first;
  connection
    .prepare('INSERT INTO accepted VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      row.pos, message.msgid, message.head, encoded, message.flow, row.planHash, message.phase, row.base, row.address,
      message.readyAt, message.project, message.actor, row.labels, row.trace,
    ); // biome-ignore format: the order of the columns
}

/** Puts all of them in their places; called inside a transaction. */
export function settleAccepted(connection: Connection): void {
  connection.run(`INSERT INTO messages (${MESSAGE}) SELECT ${AS_MESSAGE} FROM accepted ORDER BY pos`);
  connection.run(`INSERT INTO commits SELECT ${AS_COMMIT} FROM accepted ORDER BY pos`);
  connection.run(`INSERT INTO message_labels SELECT ${LABELS}`);
  connection.run('DELETE FROM accepted');
}

/** How many wait, and the newest numbers among them; 0 for none. */
export function waiting(connection: Connection): { count: number; msgid: number; pos: number } {
  return connection.get(
    'SELECT count(*) AS count, ifnull(max(msgid), 0) AS msgid, ifnull(max(pos), 0) AS pos FROM accepted',
  )!;
}

/** Does any wait there? Asked of a file that may be from before there was such a table. */
function anyAccepted(connection: Connection): boolean {
  const has = connection.get(`SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'accepted'`);
  return has !== undefined && waiting(connection).count > 0;
}

/** The id of the first commit of one that waits; undefined when it does not. */
export function firstCommitOf(connection: Connection, msgid: number): string | undefined {
  return connection.get<{ id: string }>('SELECT id FROM accepted WHERE msgid = ?', msgid)?.id;
}

/**
 * Shows those that wait where they belong, on a connection that may not write: of a file that nobody serves, or while there is no room to
 * write anything. Does nothing when none waits.
 */
export function showAccepted(connection: Connection): void {
  if (!anyAccepted(connection)) return;
  const columns = connection
    .all<{ name: string }>(`SELECT name FROM pragma_table_info('messages') ORDER BY cid`)
    .map(({ name }) => name);
  const given = MESSAGE.split(/,\s*/);
  const values = AS_MESSAGE.split(/,\s*/);
  const row = columns.map(name => `${values[given.indexOf(name)] ?? 'NULL'} AS ${name}`).join(', ');
  connection.exec(`CREATE TEMP VIEW messages AS SELECT * FROM main.messages UNION ALL SELECT ${row} FROM main.accepted;
    CREATE TEMP VIEW commits AS SELECT * FROM main.commits UNION ALL SELECT ${AS_COMMIT} FROM main.accepted;
    CREATE TEMP VIEW message_labels AS SELECT * FROM main.message_labels UNION ALL SELECT ${LABELS}`);
}

export function hideAccepted(connection: Connection): void {
  for (const view of ['messages', 'commits', 'message_labels'])
    connection.exec(`DROP VIEW IF EXISTS temp.${view}`);
}
