import type { Kysely } from 'kysely';

/**
 * Rollouts of packages, by the message that carries each, and the hosts of each with how far they are. `rollouts.wave`: the one under way
 * or done last; -1 before the first. Times are milliseconds since 1970, by the store's clock.
 */
export const rolloutSchema = [
  {
    id: 'rollout-0001',
    sql: [
      `CREATE TABLE rollouts (
        msgid bigint PRIMARY KEY,
        package text NOT NULL,
        version text NOT NULL,
        state text NOT NULL,
        waves text NOT NULL,
        wave bigint NOT NULL,
        paused bigint NOT NULL,
        allowed bigint NOT NULL,
        skipped text NOT NULL,
        created bigint NOT NULL)`,
      'CREATE INDEX rollouts_package ON rollouts (package, state)',
      `CREATE TABLE rollout_hosts (
        rollout bigint NOT NULL,
        host text NOT NULL,
        wave bigint NOT NULL,
        part bigint NOT NULL,
        state text NOT NULL,
        reason text NOT NULL,
        PRIMARY KEY (rollout, host))`,
      'CREATE INDEX rollout_hosts_part ON rollout_hosts (rollout, wave, part)',
    ],
  },
] as const;

/** `waiting`: its turn has not come. `undone`: what was done there is being taken back, or was. */
export type RolloutHostState = 'waiting' | 'under_way' | 'done' | 'failed' | 'undone';

export interface RolloutRow {
  msgid: number;
  package: string;
  version: string;
  state: 'under_way' | 'done' | 'undone';
  /** JSON list of waves, as `plan-waves.ts` makes them. */
  waves: string;
  wave: number;
  /** 1: a person must approve before it goes on. */
  paused: number;
  /** So many hosts may fail. */
  allowed: number;
  /** JSON list of hosts that were meant and are not up. */
  skipped: string;
  created: number;
}

interface RolloutTables {
  rollouts: RolloutRow;
  rollout_hosts: {
    rollout: number;
    host: string;
    wave: number;
    part: number;
    state: RolloutHostState;
    reason: string;
  };
}

/** The same connection, typed for these tables. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const rolloutTables = (db: Kysely<any>): Kysely<RolloutTables> => db as Kysely<RolloutTables>;
