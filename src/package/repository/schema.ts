import type { Kysely } from 'kysely';

/**
 * What the repository of packages has published: its metadata, as signed. `package_keys`: keys that the server itself signs
 * with, sealed; the row of the first is also what publishers wait for, so that one of them publishes at a time.
 */
export const repositorySchema = [
  {
    id: 'package-0001',
    sql: [
      `CREATE TABLE package_metadata (
        role text NOT NULL,
        version bigint NOT NULL,
        body text NOT NULL,
        created bigint NOT NULL,
        PRIMARY KEY (role, version))`,
      'CREATE TABLE package_keys (name text PRIMARY KEY, public text NOT NULL, sealed text NOT NULL, created bigint NOT NULL)',
    ],
  },
  {
    id: 'package-0002',
    sql: [
      // Files of the repository that no published package names, and since when.
      `CREATE TABLE package_garbage (
        kind text NOT NULL,
        name text NOT NULL,
        since bigint NOT NULL,
        doomed integer NOT NULL,
        PRIMARY KEY (kind, name))`,
    ],
  },
] as const;

interface RepositoryTables {
  package_metadata: { role: string; version: number; body: string; created: number };
  package_keys: { name: string; public: string; sealed: string; created: number };
  package_garbage: { kind: string; name: string; since: number; doomed: number };
}

/** The same connection, typed for these tables. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const repositoryTables = (db: Kysely<any>): Kysely<RepositoryTables> => db as Kysely<RepositoryTables>;
