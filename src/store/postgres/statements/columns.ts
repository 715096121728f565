import { columnsOf } from '../../raw-tables.ts';

/*
 * What is read of a row is named, never `*`: a newer version may add columns while this one has statements prepared, and
 * PostgreSQL refuses a prepared statement whose result would change.
 */

/** For the list of a SELECT. `alias`: the table's, in the statement. */
export const messageColumns = (alias: string): string =>
  columnsOf('messages')
    .map(name => `${alias}.${name}`)
    .join(', ');

export const MESSAGE_COLUMNS = messageColumns('messages');
export const ALLOCATION_COLUMNS = columnsOf('allocations').join(', ');
