import { randomBytes } from 'node:crypto';
import type { Tx } from '../store/tx.ts';
import { cloudTables } from './schema.ts';

/** Random text, made with the database, that tells this installation's guests from those of all others. */
export const installationOf = (tx: Tx): Promise<string> => randomSetting(tx, 'installation', 16);

/** Random text that is made once and then stays; `bytes` of it, in hex. */
export async function randomSetting(tx: Tx, name: string, bytes: number): Promise<string> {
  const db = cloudTables(tx.db);
  await db
    .insertInto('cloud_settings')
    .values({ name, value: randomBytes(bytes).toString('hex') })
    .onConflict(conflict => conflict.column('name').doNothing())
    .execute();
  const row = await db
    .selectFrom('cloud_settings')
    .select('value')
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  return row.value;
}
