import type { Kysely } from 'kysely';

/**
 * Projects, in SQL that both engines take. A project that was removed keeps its row, so that its name is never given again to
 * somebody who would then see its history. `labels` and `quota` are JSON objects. Times are milliseconds since 1970.
 */
export const identitySchema = [
  {
    id: 'access-0001',
    sql: [
      `CREATE TABLE projects (
        name text PRIMARY KEY,
        created bigint NOT NULL,
        created_by text NOT NULL,
        removed bigint NOT NULL,
        labels text NOT NULL,
        quota text NOT NULL)`,
      `INSERT INTO projects VALUES ('default', 0, 'coax', 0, '{}', '{}')`,
    ],
  },
] as const;

interface ProjectRow {
  name: string;
  created: number;
  created_by: string;
  /** 0: it is there. */
  removed: number;
  labels: string;
  quota: string;
}

interface IdentityTables {
  projects: ProjectRow;
}

/** The same connection, typed for these tables. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const identityTables = (db: Kysely<any>): Kysely<IdentityTables> => db as Kysely<IdentityTables>;
