import { DatabaseSync } from 'node:sqlite';
import { CoaxError } from '../../errors/coax-error.ts';
import { fromSqlite } from './sqlite-error.ts';

/**
 * Holds a data directory for one process: an exclusive lock on a file beside the database, which the kernel drops when
 * the process ends, however it ends. COAX_STORE_LOCKED when another process has it.
 */
export function lockFile(file: string): { release(): void } {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if (typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === 5) {
      throw new CoaxError('COAX_STORE_LOCKED', 'another Coax server uses this data directory', {
        where: file,
      });
    }
    throw fromSqlite(error, file);
  }
  const held = database;
  return { release: () => held.close() };
}
