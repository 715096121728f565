import type { Kysely } from 'kysely';
import { agentsSchema } from './agents/schema.ts';
import { simulatedSchema } from './compute/simulated/shared-guests.ts';
import { owedSchema } from './owed/schema.ts';
import { rolloutSchema } from './rollout/schema.ts';
import { serialSchema } from './serial/schema.ts';
import { useSchema } from './use/schema.ts';

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
 *
 * `hosts.changed` and `claim_changes` are the change stream that each scheduler follows; `src/cloud/change-marks.ts`
 * says what the numbers are.
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
  {
    // What placement knows of a host beyond CPUs and memory. A server of the version before goes on with the columns it knows.
    id: 'cloud-0002',
    sql: [
      ...[
        `rack text NOT NULL DEFAULT ''`,
        `cpu_used_milli bigint NOT NULL DEFAULT 0`,
        `cpu_reserved_milli bigint NOT NULL DEFAULT 0`,
        `mem_overcommit double precision NOT NULL DEFAULT 1`,
        `mem_reserved_mib bigint NOT NULL DEFAULT 0`,
        `disk_total_mib bigint NOT NULL DEFAULT 0`,
        `disk_used_mib bigint NOT NULL DEFAULT 0`,
        `disk_reserved_mib bigint NOT NULL DEFAULT 0`,
        `gpu_model text NOT NULL DEFAULT ''`,
        `gpus text NOT NULL DEFAULT '[]'`,
        `gpu_used text NOT NULL DEFAULT '[]'`,
        `numa text NOT NULL DEFAULT '[]'`,
        `numa_used text NOT NULL DEFAULT '[]'`,
        `vms bigint NOT NULL DEFAULT 0`,
        `vms_max bigint NOT NULL DEFAULT 0`,
        `io_load bigint NOT NULL DEFAULT 0`,
        `changed bigint NOT NULL DEFAULT 0`,
      ].map(column => `ALTER TABLE hosts ADD COLUMN ${column}`),
      // A name stands whole in the claim's detail; neither engine has the other's function that finds a text in a text.
      `UPDATE hosts SET vms = (SELECT count(*) FROM allocations
        WHERE kind = 'claim' AND replace(detail, '"host":"' || hosts.name || '"', '') <> detail)`,
      `CREATE INDEX hosts_changed ON hosts (changed)`,
      `CREATE TABLE claim_changes (
        change bigint NOT NULL,
        key text NOT NULL,
        created bigint NOT NULL,
        PRIMARY KEY (change, key))`,
    ],
  },
  ...agentsSchema,
  ...owedSchema,
  ...serialSchema,
  ...useSchema,
  ...rolloutSchema,
  {
    // Servers look twice a second which hosts are lost. The index holds those alone.
    id: 'cloud-0007',
    sql: [`CREATE INDEX hosts_lost ON hosts (name) WHERE state = 'lost'`],
  },
  ...simulatedSchema,
];

/**
 * `up`: takes new VMs. `draining`: takes none, a person wants it empty. `down`: cannot take any now; steps wait for it.
 * `lost`: declared gone for good, so nothing waits for it. `reason` says why it is not up.
 */
export type HostState = 'up' | 'draining' | 'down' | 'lost';

export interface HostRow {
  name: string;
  cpu_total: number;
  /** Whole vCPUs of all claims, and the thousandths beyond: the sum is `cpu_used + cpu_used_milli / 1000`. */
  cpu_used: number;
  cpu_used_milli: number;
  /** Thousandths that are kept for the host itself: not counted in, and before overcommit. */
  cpu_reserved_milli: number;
  /** vCPUs that may be claimed for each CPU. */
  cpu_overcommit: number;
  mem_total_mib: number;
  mem_used_mib: number;
  mem_overcommit: number;
  mem_reserved_mib: number;
  disk_total_mib: number;
  disk_used_mib: number;
  disk_reserved_mib: number;
  /** Empty without GPUs. */
  gpu_model: string;
  /** JSON list: thousandths of each GPU; 1000 is a whole one. */
  gpus: string;
  /** JSON list of what is claimed of each; a missing one counts as 0. */
  gpu_used: string;
  /** JSON list of cells, `{"cpuMilli": …, "memMib": …}`, and of what is claimed of each. */
  numa: string;
  numa_used: string;
  /** Claims, and how many there may be; 0 for no limit. */
  vms: number;
  vms_max: number;
  /** Operations under way there. */
  io_load: number;
  /** Mark of the last change but for claims: see change-marks.ts. */
  changed: number;
  /** JSON object of texts. */
  labels: string;
  zone: string;
  rack: string;
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

/** Key of a claim that was made or given back. */
export interface ClaimChangeRow {
  change: number;
  key: string;
  created: number;
}

export interface CloudTables {
  hosts: HostRow;
  claim_changes: ClaimChangeRow;
  networks: NetworkRow;
  free_ranges: FreeRangeRow;
  cloud_settings: { name: string; value: string };
  allocations: AllocationRow;
  /** The store's; of them only whose a message is, and by which plan. */
  messages: { msgid: number; project: string; plan: string; parent_msgid: number | null };
  plans: { hash: string; body: string };
}

/** The same connection, typed for the cloud's tables. */
export type CloudDb = Kysely<CloudTables>;

// biome-ignore lint/suspicious/noExplicitAny: the store does not know the cloud's tables
export const cloudTables = (db: Kysely<any>): CloudDb => db as CloudDb;
