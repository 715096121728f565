import type { Kysely } from 'kysely';
import type { Role } from './principal.ts';

/**
 * Who may do what, in SQL that both engines take. Of tokens only the SHA-256 is kept. Times are milliseconds since 1970 by the
 * store's clock; 0 stands for never.
 *
 * `projects`: one that was removed keeps its row, so that its name is never given again to somebody who would then see its
 * history. `labels` and `quota` are JSON objects.
 *
 * `api_tokens`: `role` empty means what the account's bindings give. `role_bindings`: a subject is a person as the login names
 * it, `group:NAME`, or `sa/NAME`; a project is `*` for the whole installation. `login_sessions`: `subjects` is a JSON list of
 * whose bindings count; `token` is the hash of the API token that was traded for it, or empty;
 * `grants` is a JSON list of what the login itself gave. `refresh` is what the provider looks at the person again by, sealed, or
 * empty; `looked` is when it last did, and until `looking` a server is at it. `console_tickets`: what a session is to be opened
 * with, until `expires`; it ends at `session_expires` at the latest. `parent` is the hash of the login session that a session was
 * made from, by a ticket, or empty: it opens what that one opens, as long as that is good.
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
  {
    id: 'access-0002',
    sql: [
      `CREATE TABLE api_tokens (
        hash text PRIMARY KEY,
        name text NOT NULL,
        prefix text NOT NULL,
        account text NOT NULL,
        project text NOT NULL,
        role text NOT NULL,
        created bigint NOT NULL,
        created_by text NOT NULL,
        expires bigint NOT NULL,
        revoked bigint NOT NULL,
        last_used bigint NOT NULL)`,
      'CREATE INDEX api_tokens_name ON api_tokens (name)',
      `CREATE TABLE service_accounts (
        name text PRIMARY KEY,
        project text NOT NULL,
        about text NOT NULL,
        created bigint NOT NULL,
        created_by text NOT NULL,
        removed bigint NOT NULL)`,
      `CREATE TABLE role_bindings (
        subject text NOT NULL,
        project text NOT NULL,
        role text NOT NULL,
        created bigint NOT NULL,
        created_by text NOT NULL,
        PRIMARY KEY (subject, project))`,
      `CREATE TABLE login_sessions (
        hash text PRIMARY KEY,
        actor text NOT NULL,
        subjects text NOT NULL,
        token text NOT NULL,
        created bigint NOT NULL,
        expires bigint NOT NULL)`,
    ],
  },
  {
    id: 'access-0003',
    sql: [`ALTER TABLE login_sessions ADD COLUMN grants text NOT NULL DEFAULT '[]'`],
  },
  {
    id: 'access-0004',
    sql: [
      `CREATE TABLE console_tickets (
        hash text PRIMARY KEY,
        actor text NOT NULL,
        subjects text NOT NULL,
        grants text NOT NULL,
        token text NOT NULL,
        session_expires bigint NOT NULL,
        expires bigint NOT NULL)`,
    ],
  },
  {
    id: 'access-0005',
    sql: [
      `ALTER TABLE login_sessions ADD COLUMN refresh text NOT NULL DEFAULT ''`,
      'ALTER TABLE login_sessions ADD COLUMN looked bigint NOT NULL DEFAULT 0',
      'ALTER TABLE login_sessions ADD COLUMN looking bigint NOT NULL DEFAULT 0',
      'ALTER TABLE login_sessions ADD COLUMN ends bigint NOT NULL DEFAULT 0',
    ],
  },
  {
    id: 'access-0006',
    sql: [
      `ALTER TABLE login_sessions ADD COLUMN parent text NOT NULL DEFAULT ''`,
      `ALTER TABLE console_tickets ADD COLUMN parent text NOT NULL DEFAULT ''`,
    ],
  },
] as const;

export interface ProjectRow {
  name: string;
  created: number;
  created_by: string;
  /** 0: it is there. */
  removed: number;
  labels: string;
  quota: string;
}

export interface TokenRow {
  hash: string;
  name: string;
  prefix: string;
  /** Name of the service account that it is of; empty when it is of none. */
  account: string;
  project: string;
  role: Role | '';
  created: number;
  created_by: string;
  expires: number;
  revoked: number;
  last_used: number;
}

export interface AccountRow {
  name: string;
  /** Whose it is: its admins may change it. */
  project: string;
  about: string;
  created: number;
  created_by: string;
  removed: number;
}

export interface BindingRow {
  subject: string;
  project: string;
  role: Role;
  created: number;
  created_by: string;
}

export interface SessionRow {
  hash: string;
  actor: string;
  subjects: string;
  token: string;
  created: number;
  /** Earlier than `ends` when the provider has not looked at the person again by then. */
  expires: number;
  grants: string;
  refresh: string;
  looked: number;
  looking: number;
  /** Whatever the provider says. */
  ends: number;
  parent: string;
}

interface TicketRow {
  hash: string;
  actor: string;
  subjects: string;
  grants: string;
  token: string;
  session_expires: number;
  expires: number;
  parent: string;
}

interface IdentityTables {
  projects: ProjectRow;
  api_tokens: TokenRow;
  service_accounts: AccountRow;
  role_bindings: BindingRow;
  login_sessions: SessionRow;
  console_tickets: TicketRow;
  /** The store's; of it only what tells whether a project is in use. */
  messages: { msgid: number; project: string; phase: string };
  allocations: { kind: string; key: string; msgid: number };
}

export type IdentityDb = Kysely<IdentityTables>;

/** The same connection, typed for these tables. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const identityTables = (db: Kysely<any>): IdentityDb => db as IdentityDb;
