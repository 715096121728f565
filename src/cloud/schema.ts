import type { Kysely } from 'kysely';
import { agentsSchema } from './agents/schema.ts';

/** One change of the database, applied once, in order. */
export interface SchemaPart {
  readonly id: string;
  readonly sql: readonly string[];
}

/**
 * The cloud's own tables, in SQL that both engines take. What belongs to a message (claims, addresses, VM names) lies in
 * the store's `allocations`; here is what exists without any message.
 *
 * `free_ranges` holds the addresses that nobody has, as runs `low`..`high`: taking the lowest and giving one back each
 * touch a row or two by primary key, however many addresses are taken.
 */
export const cloudSchema: readonly SchemaPart[] = [
  {
    id: 'cloud-0001',
    sql: [
      `CREATE TABLE hosts (
        name text PRIMARY KEY,
        cpu_total bigint NOT NULL,
        cpu_used bigint NOT NULL,
        cpu_overcommit double precision NOT NULL,
        mem_total_mib bigint NOT NULL,
        mem_used_mib bigint NOT NULL,
        labels text NOT NULL,
        zone text NOT NULL,
        network text NOT NULL,
        state text NOT NULL,
        reason text NOT NULL,
        hypervisor text NOT NULL,
        accelerator text NOT NULL,
        simulated bigint NOT NULL,
        created bigint NOT NULL,
        seen bigint NOT NULL)`,
      `CREATE TABLE networks (
        name text PRIMARY KEY,
        cidr text NOT NULL,
        gateway text NOT NULL,
        prefix bigint NOT NULL,
        mode text NOT NULL,
        http_port bigint NOT NULL,
        mac_prefix text NOT NULL,
        simulated bigint NOT NULL,
        created bigint NOT NULL)`,
      `CREATE TABLE free_ranges (
        network text NOT NULL,
        low bigint NOT NULL,
        high bigint NOT NULL,
        PRIMARY KEY (network, low))`,
      `CREATE TABLE cloud_settings (name text PRIMARY KEY, value text NOT NULL)`,
    ],
  },
  ...agentsSchema,
];

/** `up`: takes new VMs. `draining`: keeps what it has. `down`: cannot take any; `reason` says why. */
export type HostState = 'up' | 'draining' | 'down';

export interface HostRow {
  name: string;
  cpu_total: number;
  /** vCPUs of all claims. */
  cpu_used: number;
  /** vCPUs that may be claimed for each CPU. */
  cpu_overcommit: number;
  mem_total_mib: number;
  mem_used_mib: number;
  /** JSON object of texts. */
  labels: string;
  zone: string;
  /** Name of the network its guests are on. */
  network: string;
  state: HostState;
  reason: string;
  hypervisor: 'qemu' | 'simulated' | 'none';
  accelerator: string;
  simulated: number;
  created: number;
  seen: number;
  /** 1: an agent of its own does its steps; no server serves it or says what state it is in at its start. */
  agent: number;
}

export interface NetworkRow {
  name: string;
  cidr: string;
  gateway: string;
  prefix: number;
  mode: 'tap' | 'user';
  http_port: number;
  mac_prefix: string;
  simulated: number;
  created: number;
}

export interface FreeRangeRow {
  network: string;
  /** Addresses as integers, both ends free. */
  low: number;
  high: number;
}

/** The store's table; see store.ts for what it promises. */
export interface AllocationRow {
  kind: string;
  key: string;
  msgid: number;
  detail: string;
  created: number;
}

export interface CloudTables {
  hosts: HostRow;
  networks: NetworkRow;
  free_ranges: FreeRangeRow;
  cloud_settings: { name: string; value: string };
  allocations: AllocationRow;
}

/** The same connection, typed for the cloud's tables. */
export type CloudDb = Kysely<CloudTables>;

// biome-ignore lint/suspicious/noExplicitAny: the store does not know the cloud's tables
export const cloudTables = (db: Kysely<any>): CloudDb => db as CloudDb;
