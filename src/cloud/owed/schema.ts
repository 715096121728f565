import type { Kysely } from 'kysely';

/**
 * `owed`: what must still be removed at a host that could not be asked when a message walked back. `host_states`: what is
 * to be remembered of a host's state beside the state itself. Times are milliseconds since 1970, by the store's clock.
 */
export const owedSchema = [
  {
    id: 'cloud-0004',
    sql: [
      `CREATE TABLE owed (
        key text PRIMARY KEY,
        host text NOT NULL,
        uuid text NOT NULL,
        name text NOT NULL,
        msgid bigint NOT NULL,
        kind text NOT NULL,
        detail text NOT NULL,
        created bigint NOT NULL,
        done bigint NOT NULL)`,
      'CREATE INDEX owed_open ON owed (done, host)',
      `CREATE TABLE host_states (
        host text PRIMARY KEY,
        since bigint NOT NULL,
        drains bigint NOT NULL,
        away bigint NOT NULL)`,
    ],
  },
] as const;

export interface OwedRow {
  /** `HOST/UUID`. */
  key: string;
  host: string;
  /** Of the guest. */
  uuid: string;
  /** Of its VM. */
  name: string;
  /** The message that owes it. */
  msgid: number;
  kind: 'delete_guest';
  /** JSON object: which step owes it. */
  detail: string;
  created: number;
  /** 0: not yet. */
  done: number;
}

export interface HostStateRow {
  host: string;
  /** When the state changed last. */
  since: number;
  /** 1: a person drains it, so it comes back as draining. */
  drains: number;
  /** 1: it fell silent or was lost, and has not returned yet: a report alone does not make it up. */
  away: number;
}

interface OwedTables {
  owed: OwedRow;
  host_states: HostStateRow;
}

/** The same connection, typed for these tables. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const owedTables = (db: Kysely<any>): Kysely<OwedTables> => db as Kysely<OwedTables>;
