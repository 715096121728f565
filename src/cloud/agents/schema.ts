import type { Kysely } from 'kysely';

/**
 * Hosts whose steps an agent of their own does. Nothing here opens anything by itself: of tokens only the SHA-256 is kept,
 * of a host's key only its public half. Times are milliseconds since 1970, by the store's clock.
 *
 * `agent_nonces` holds the challenges that were answered, so that none is answered twice.
 */
export const agentsSchema = [
  {
    id: 'cloud-0003',
    sql: [
      'ALTER TABLE hosts ADD COLUMN agent bigint NOT NULL DEFAULT 0',
      `CREATE TABLE agents (
        host text PRIMARY KEY,
        public_key text NOT NULL,
        enrolled bigint NOT NULL,
        version text NOT NULL,
        address text NOT NULL,
        boot_id text NOT NULL,
        seen bigint NOT NULL,
        lease_until bigint NOT NULL,
        report text NOT NULL)`,
      `CREATE TABLE join_tokens (
        hash text PRIMARY KEY,
        host text NOT NULL,
        rekeys bigint NOT NULL,
        actor text NOT NULL,
        created bigint NOT NULL,
        expires bigint NOT NULL,
        used bigint NOT NULL,
        used_by text NOT NULL)`,
      `CREATE TABLE agent_sessions (hash text PRIMARY KEY, host text NOT NULL, expires bigint NOT NULL)`,
      'CREATE INDEX agent_sessions_host ON agent_sessions (host)',
      `CREATE TABLE agent_nonces (hash text PRIMARY KEY, expires bigint NOT NULL)`,
    ],
  },
] as const;

export interface AgentRow {
  host: string;
  /** Ed25519, SPKI in base64; empty when the key was revoked. */
  public_key: string;
  enrolled: number;
  version: string;
  address: string;
  /** Another one: the host was booted since, and no guest lives on it. */
  boot_id: string;
  /** 0: it has not reported yet. */
  seen: number;
  /** Not heard of after this, the host is down. Its length beyond `seen` tells whether the agent has said goodbye. */
  lease_until: number;
  /** JSON of its last AgentReport; empty before the first. */
  report: string;
}

export interface JoinTokenRow {
  hash: string;
  /** Empty: for any new name. */
  host: string;
  /** 1: may give a host that has a key another one. */
  rekeys: number;
  actor: string;
  created: number;
  expires: number;
  /** 0: not used. */
  used: number;
  used_by: string;
}

interface AgentTables {
  agents: AgentRow;
  join_tokens: JoinTokenRow;
  agent_sessions: { hash: string; host: string; expires: number };
  agent_nonces: { hash: string; expires: number };
}

/** The same connection, typed for the agents' tables. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const agentTables = (db: Kysely<any>): Kysely<AgentTables> => db as Kysely<AgentTables>;
