import type { MessageRow } from '../../src/store/rows.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { caughtUp } from '../../src/store/sqlite/statements/catch-up.ts';

/** Keys of the steps that messages in that file are leased for, walking forward. */
export function leasedIn(file: string): string[] {
  const connection = new Connection(file, true);
  try {
    return connection
      .all<MessageRow>(`SELECT * FROM messages WHERE lease_until IS NOT NULL AND mode = 'normal'`)
      .map(row => `${row.msgid}.${caughtUp(connection, row).cursor}`);
  } finally {
    connection.close();
  }
}
