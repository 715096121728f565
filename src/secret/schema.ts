import type { Kysely } from 'kysely';

/**
 * Which keys secrets here are sealed with; the keys themselves are never here. Numbers count up, so that of two processes
 * that both find none only one makes the first. `created`: milliseconds since 1970, by the store's clock.
 *
 * `secret_data_keys`: what values are sealed with, wrapped by the key `kek` of the file. Those of a greater number are newer.
 */
export const secretSchema = [
  {
    id: 'secret-0001',
    sql: ['CREATE TABLE secret_keys (number bigint PRIMARY KEY, id text NOT NULL, created bigint NOT NULL)'],
  },
  {
    id: 'secret-0002',
    sql: [
      `CREATE TABLE secret_data_keys (
        id text PRIMARY KEY,
        number bigint NOT NULL,
        kek text NOT NULL,
        wrapped text NOT NULL,
        created bigint NOT NULL)`,
    ],
  },
] as const;

export interface DataKeyRow {
  id: string;
  number: number;
  kek: string;
  wrapped: string;
  created: number;
}

interface SecretTables {
  secret_data_keys: DataKeyRow;
  secret_keys: { number: number; id: string; created: number };
  messages: { base: string; trail: string; ask: string | null; phase: string };
}

/** The same connection, typed for these tables and for what may hold secrets. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const secretTables = (db: Kysely<any>): Kysely<SecretTables> => db as Kysely<SecretTables>;
