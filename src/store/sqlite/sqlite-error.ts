import { CoaxError, isCoaxError, textOf } from '../../errors/coax-error.ts';

/** What went wrong in SQLite, in our words (https://www.sqlite.org/rescode.html). */
export function fromSqlite(error: unknown, file: string): CoaxError {
  if (isCoaxError(error)) return error;
  const primary =
    typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  const more = { where: file, cause: error };
  switch (primary) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return new CoaxError('COAX_STORE_UNAVAILABLE', 'the database is locked by another process', more);
    case 8: // SQLITE_READONLY
      return new CoaxError(
        'COAX_STORE_UNAVAILABLE',
        'the database cannot be written: it, or its folder, is read-only',
        {
          ...more,
          hint: 'Make the data directory writable, or set COAX_DATA to one that is.',
        },
      );
    case 10: // SQLITE_IOERR
      return new CoaxError(
        'COAX_STORE_UNAVAILABLE',
        `the disk answered with an error: ${textOf(error)}`,
        more,
      );
    case 13: // SQLITE_FULL
      return new CoaxError('COAX_STORE_UNAVAILABLE', 'the disk is full', {
        ...more,
        hint: 'Free some space; what was accepted is kept, and work goes on by itself.',
      });
    case 14: // SQLITE_CANTOPEN
      return new CoaxError('COAX_STORE_UNAVAILABLE', 'the database cannot be opened', {
        ...more,
        hint: 'The data directory must exist and be readable and writable by this user.',
      });
    case 11: // SQLITE_CORRUPT
    case 26: // SQLITE_NOTADB
      return new CoaxError('COAX_STORE_CORRUPT', `the database file is damaged: ${textOf(error)}`, more);
    default:
      return new CoaxError('COAX_INTERNAL', `SQLite: ${textOf(error)}`, more);
  }
}

/** Nothing can be written now, but the same write may succeed later. */
export function isPassing(error: unknown): boolean {
  return isCoaxError(error, 'COAX_STORE_UNAVAILABLE');
}
