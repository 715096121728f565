import { corrupt } from '../../../ledger/accepted.ts';
import { decodeCommit } from '../../../ledger/commit.ts';
import { replayCommit } from '../../../ledger/replay.ts';
import { addressOf } from '../../../message/address.ts';
import type { MessageState, Plan } from '../../../message/message.ts';
import { type MessageRow, toMessage } from '../../rows.ts';
import type { Connection } from '../connection.ts';

/**
 * The row as it would be if each transition had been written into it: the row of a message that a worker holds may be behind its
 * ledger. The same row when it is not. Errors: COAX_STORE_CORRUPT when the ledger does not go on from the row.
 */
export function caughtUp(
  connection: Connection,
  row: MessageRow,
  planOf: (hash: string) => Plan = planIn(connection),
): MessageRow {
  if (row.lease_until === null) return row;
  const later = connection.all<{ id: string; body: string }>(
    'SELECT id, body FROM commits WHERE msgid = ? AND seq > ? ORDER BY seq',
    row.msgid,
    row.seq,
  );
  if (later.length === 0) return row;
  const commits = later.map(({ id, body }) => decodeCommit(id, body));
  const { plan, ...message } = toMessage(row, planOf);
  let state: MessageState = message;
  if (commits[0]!.parent !== row.head)
    throw corrupt(commits[0]!, 'does not go on from where its message stands');
  for (const commit of commits) state = replayCommit(state, plan, commit);
  const last = commits.at(-1)!;
  return {
    ...row,
    cursor: state.cursor,
    attempt: state.attempt,
    trail: JSON.stringify(state.trail),
    seq: last.seq,
    head: last.id,
    address: addressOf(state, plan),
    begun: 1,
    updated: last.finished,
  };
}

/** The same for who looks for damage: the row as it is when it cannot be brought up to date. */
export function caughtUpIfSound(connection: Connection, row: MessageRow): MessageRow {
  try {
    return caughtUp(connection, row);
  } catch {
    return row;
  }
}

/** Brings the rows of all that were held when the process before this one ended up to date; called before anybody claims. */
export function catchUpAll(connection: Connection): void {
  const held = connection.all<MessageRow>('SELECT * FROM messages WHERE lease_until IS NOT NULL');
  for (const row of held) {
    const now = caughtUp(connection, row);
    if (now === row) continue;
    connection.run(
      `UPDATE messages SET cursor = ?, attempt = ?, trail = ?, seq = ?, head = ?, address = ?, begun = ?, updated = ?
       WHERE msgid = ?`,
      now.cursor, now.attempt, now.trail, now.seq, now.head, now.address, now.begun, now.updated, now.msgid,
    ); // biome-ignore format: the order of the columns
  }
}

function planIn(connection: Connection): (hash: string) => Plan {
  return hash =>
    JSON.parse(
      connection.get<{ body: string }>('SELECT body FROM plans WHERE hash = ?', hash)?.body ?? '{"steps":[]}',
    ) as Plan;
}
