import { randomBytes } from 'node:crypto';
import type { Tx } from '../store/tx.ts';
import { cloudTables } from './schema.ts';

/** Random text, made with the database, that tells this installation's guests from those of all others. */
export async function installationOf(tx: Tx): Promise<string> {
  const db = cloudTables(tx.db);
  await db
    .insertInto('cloud_settings')
    .values({ name: 'installation', value: randomBytes(16).toString('hex') })
    .onConflict(conflict => conflict.column('name').doNothing())
    .execute();
  const row = await db
    .selectFrom('cloud_settings')
    .select('value')
    .where('name', '=', 'installation')
    .executeTakeFirstOrThrow();
  return row.value;
}
