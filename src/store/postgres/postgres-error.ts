import { CoaxError, isCoaxError, textOf } from '../../errors/coax-error.ts';

/** What may be done about an error of the database (https://www.postgresql.org/docs/15/errcodes-appendix.html). */
export type Remedy =
  /** Nothing was done and the same again may succeed: a deadlock, a lost race. */
  | 'again'
  /** The connection ended: whether it was done must be found out. */
  | 'unsure'
  /** Nothing was done: the database cannot be reached or cannot write now. */
  | 'later'
  /** The statement itself is at fault. */
  | 'none';

/** SQLSTATE of an error, or the system's code (ECONNRESET), or ''. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** What `pg` says, without a code, of a connection that ended, did not come about, or answers what was not asked. */
const CONNECTION_ENDED =
  /Connection terminated|Connection ended|not queryable|Query read timeout|timeout expired|Received unexpected|Client was closed|socket/i;

export function remedyOf(error: unknown): Remedy {
  if (isCoaxError(error)) return error.code === 'COAX_STORE_UNAVAILABLE' ? 'later' : 'none';
  const code = codeOf(error);
  if (code === '40001' || code === '40P01') return 'again';
  if (code.startsWith('57P') || code.startsWith('08')) return 'unsure';
  if (/^E[A-Z]+$/.test(code)) return 'unsure';
  if (code === '25006' || code.startsWith('53') || code === '57014' || code === '55P03') return 'later';
  if (code === '' && error instanceof Error && CONNECTION_ENDED.test(error.message)) return 'unsure';
  return 'none';
}

/** What went wrong, in our words. `where`: host:port/database. */
export function fromPostgres(error: unknown, where: string): CoaxError {
  if (isCoaxError(error)) return error;
  const code = codeOf(error);
  const more = { where, cause: error };
  const unavailable = (reason: string, hint: string): CoaxError =>
    new CoaxError('COAX_STORE_UNAVAILABLE', reason, { ...more, hint });
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return unavailable(
        'nothing accepts connections there: PostgreSQL is not running, or COAX_STORE names another place',
        'Start PostgreSQL, or mend the host and port in COAX_STORE.',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unavailable('the host name is not known', 'Mend the host in COAX_STORE.');
    case '28P01':
    case '28000':
      return unavailable(
        `PostgreSQL refused the user: ${textOf(error)}`,
        'Mend the user and password in COAX_STORE; pg_hba.conf says who may come from where.',
      );
    case '3D000':
      return unavailable(
        textOf(error),
        'Create the database with `createdb`, or mend its name in COAX_STORE.',
      );
    case '42501':
      return unavailable(
        `the user may not do this: ${textOf(error)}`,
        'Make the user the owner of the database, or give it a schema of its own.',
      );
    case '25006':
      return unavailable(
        'this PostgreSQL is a read-only standby',
        'Name the primary in COAX_STORE, or all hosts: postgres://user@a,b/coax.',
      );
    case '53100':
      return unavailable("the database's disk is full", 'Free some space there; nothing accepted is lost.');
    case '53300':
      return unavailable(
        'PostgreSQL has no connection left',
        'Raise max_connections: each server takes up to 15.',
      );
    case 'XX001':
    case 'XX002':
      return new CoaxError('COAX_STORE_CORRUPT', `PostgreSQL found damage: ${textOf(error)}`, {
        ...more,
        hint: 'Restore a backup, or fail over to a standby.',
      });
    default:
      return remedyOf(error) === 'none'
        ? new CoaxError('COAX_INTERNAL', `PostgreSQL: ${textOf(error)}`, more)
        : unavailable(
            `the connection to PostgreSQL failed: ${textOf(error) || code}`,
            'It is made again by itself; look at PostgreSQL and the network between.',
          );
  }
}
