import type { Tx } from '../../store/tx.ts';
import { agentTables } from './schema.ts';

/** Ends every session of a host; returns how many. */
export async function endSessions(tx: Tx, host: string): Promise<number> {
  const gone = await agentTables(tx.db)
    .deleteFrom('agent_sessions')
    .where('host', '=', host)
    .executeTakeFirst();
  return Number(gone.numDeletedRows);
}
