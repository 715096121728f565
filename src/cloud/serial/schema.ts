import type { Kysely } from 'kysely';

/**
 * Who may open a serial line, and where it is reached. `serial_tickets`: what lets a browser open one line once, by its SHA-256.
 * `serial_holders`: the server that reaches the guests of a host, where several share the store. Times are milliseconds since
 * 1970, by the store's clock.
 */
export const serialSchema = [
  {
    id: 'cloud-0005',
    sql: [
      `CREATE TABLE serial_tickets (
        hash text PRIMARY KEY,
        vm text NOT NULL,
        actor text NOT NULL,
        readonly bigint NOT NULL,
        relayed bigint NOT NULL,
        expires bigint NOT NULL)`,
      `CREATE TABLE serial_holders (
        host text PRIMARY KEY,
        server text NOT NULL,
        url text NOT NULL,
        since bigint NOT NULL)`,
    ],
  },
] as const;

interface SerialTables {
  serial_tickets: {
    hash: string;
    vm: string;
    actor: string;
    /** 1: it watches, and types nothing. */
    readonly: number;
    /** 1: another server asks, so it is not passed on again. */
    relayed: number;
    expires: number;
  };
  serial_holders: { host: string; server: string; url: string; since: number };
}

/** The same connection, typed for these tables. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const serialTables = (db: Kysely<any>): Kysely<SerialTables> => db as Kysely<SerialTables>;
