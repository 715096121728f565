import { CoaxError } from '../../errors/coax-error.ts';
import { REAL_TIMERS, type Timers } from '../timers.ts';
import { Engine } from './engine.ts';
import { assertOwnSession } from './link/own-session.ts';
import { parseServers } from './link/server-address.ts';
import { migrate } from './migrate.ts';
import { PostgresStore } from './postgres-store.ts';
import { CORE_SCHEMA, type SchemaPart } from './schema.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; several hosts, with commas between, for a primary and its standbys. */
  readonly url: string;
  /**
   * Schema of all tables, made when it is missing; without it they lie where the user's search path leads.
   */
  readonly namespace?: string;
  /** Tables of other parts, made after the core's. */
  readonly schema?: readonly SchemaPart[];
  /** What `pg_stat_activity` shows. */
  readonly application?: string;
  readonly timers?: Timers;
  /** Hears, before it begins, that tables of an older version are changed: that takes long where there is much in them. */
  readonly onMigrate?: (about: string) => void;
}

/**
 * Opens the distributed store: connects, and makes the tables that are missing. Others may use it at the same time, so no
 * lease is given back: those of processes that died end by themselves. Times are the database's.
 *
 * Errors: COAX_STORE_UNAVAILABLE, COAX_STORE_NEWER, COAX_USAGE (not such a URL).
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresStore> {
  const namespace = options.namespace ?? null;
  if (namespace !== null && Buffer.byteLength(namespace) > 50)
    throw new CoaxError('COAX_USAGE', 'the name of the schema is longer than 50 bytes', { where: namespace });
  const engine = new Engine(
    { servers: parseServers(options.url), application: options.application ?? 'coax', schema: namespace },
    options.timers ?? REAL_TIMERS,
  );
  try {
    const link = await engine.connect('reader');
    try {
      await assertOwnSession(link, () => engine.connect('reader'));
      await migrate(link, namespace, [...CORE_SCHEMA, ...(options.schema ?? [])], options.onMigrate);
      const { rows } = await link.once('SELECT current_schema() AS schema');
      await engine.leases.get();
      return new PostgresStore(engine, `coax_${(rows[0] as { schema: string }).schema}`);
    } finally {
      await link.close();
    }
  } catch (error) {
    await engine.close();
    throw engine.fault(error);
  }
}
