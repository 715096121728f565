import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Parameters } from '../message/message.ts';
import type { Allocation } from '../store/store.ts';
import type { AgentView } from './agents/agent-views.ts';
import type { Owned } from './allocations.ts';
import type { Guest } from './compute/hypervisor.ts';
import { claimOf } from './resource/claim-detail.ts';
import { type CellUse, cellsUsed, gpusUsed } from './resource/device-use.ts';
import { limitsOf, usedOf } from './resource/host-figures.ts';
import type { HostRow, HostState, NetworkRow } from './schema.ts';

/** `total`: what there is. `reserved`: kept for the host itself. `free`: what may still be claimed, overcommit counted in. */
export interface Amount {
  readonly total: number;
  readonly reserved: number;
  readonly used: number;
  readonly free: number;
}

/** Times are ISO 8601; memory and disk are in MiB, CPUs in whole ones with up to three decimals. */
export interface HostView {
  readonly name: string;
  readonly state: HostState;
  /** Why it is not up; empty otherwise. */
  readonly reason: string;
  readonly hypervisor: HostRow['hypervisor'];
  readonly accelerator: string;
  readonly simulated: boolean;
  readonly zone: string;
  readonly rack: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cpu: Amount & { readonly overcommit: number };
  readonly memMib: Amount;
  readonly diskMib: Amount;
  /** Thousandths of each GPU: in all, and claimed. */
  readonly gpu: {
    readonly model: string;
    readonly total: readonly number[];
    readonly used: readonly number[];
  };
  /** NUMA cells, with what is claimed of each. */
  readonly numa: readonly { readonly cpuMilli: number; readonly memMib: number; readonly used: CellUse }[];
  /** Claims: VMs, and places that are reserved. */
  readonly vms: number;
  /** VMs at most; 0 for no limit. */
  readonly vmsMax: number;
  /** Operations under way. */
  readonly ioLoad: number;
  readonly network: string;
  /** Since when it is in its state; null when no message ever changed it. */
  readonly since: string | null;
  /** Guests that must still be deleted there. */
  readonly owed: number;
  /** Null for a host that a server runs itself. */
  readonly agent: AgentView | null;
  readonly created: string;
  readonly seen: string;
}

/** What is claimed of a host; `vm` is null for a place that is reserved. */
export interface HostClaimView {
  readonly vm: string | null;
  readonly msgid: number;
  readonly project: string;
  readonly cpu: number;
  readonly memMib: number;
  readonly diskMib: number;
  readonly gpus: readonly number[];
  readonly created: string;
}

export interface NetworkView {
  readonly name: string;
  readonly cidr: string;
  readonly gateway: string;
  readonly mode: 'tap' | 'user';
  readonly httpPort: number;
  readonly simulated: boolean;
  readonly addresses: { readonly used: number; readonly free: number };
  /** Who has which address; only in the view of one network. */
  readonly allocations?: readonly {
    readonly ip: string;
    readonly mac: string;
    readonly msgid: number;
    readonly vm: string | null;
  }[];
  readonly created: string;
}

export interface VmView {
  readonly name: string;
  readonly uuid: string | null;
  /** `building` and `removing`: its message is under way. `missing`: recorded as running, and its host has no such guest. */
  readonly state: string;
  readonly host: string;
  readonly ip: string | null;
  readonly mac: string | null;
  readonly network: string | null;
  readonly url: string | null;
  readonly cpu: number;
  readonly memMib: number;
  readonly simulated: boolean;
  /** The message that made it, and whose that is. */
  readonly msgid: number;
  readonly project: string;
  readonly created: string;
}

const iso = (time: number): string => new Date(Number(time)).toISOString();

export function hostView(row: HostRow, accelerator: string): Omit<HostView, 'since' | 'owed' | 'agent'> {
  const gpus = JSON.parse(row.gpus) as number[];
  const cells = JSON.parse(row.numa) as CellUse[];
  const cellUse = cellsUsed(row.numa_used, cells.length);
  const { cpuMilli, memMib, diskMib } = usedOf(row);
  const limit = limitsOf(row);
  return {
    name: row.name,
    state: row.state,
    reason: row.reason,
    hypervisor: row.hypervisor,
    accelerator,
    simulated: Number(row.simulated) === 1,
    zone: row.zone,
    rack: row.rack,
    labels: JSON.parse(row.labels) as Record<string, string>,
    cpu: {
      total: Number(row.cpu_total),
      overcommit: Number(row.cpu_overcommit),
      reserved: Number(row.cpu_reserved_milli) / 1000,
      used: cpuMilli / 1000,
      free: Math.max(0, limit.cpuMilli - cpuMilli) / 1000,
    },
    memMib: amount(row.mem_total_mib, row.mem_reserved_mib, memMib, limit.memMib),
    diskMib: amount(row.disk_total_mib, row.disk_reserved_mib, diskMib, limit.diskMib),
    gpu: { model: row.gpu_model, total: gpus, used: gpusUsed(row.gpu_used, gpus.length) },
    numa: cells.map((cell, at) => ({ ...cell, used: cellUse[at]! })),
    vms: Number(row.vms),
    vmsMax: Number(row.vms_max),
    ioLoad: Number(row.io_load),
    network: row.network,
    created: iso(row.created),
    seen: iso(row.seen),
  };
}

const amount = (total: number, reserved: number, used: number, limit: number): Amount => ({
  total: Number(total),
  reserved: Number(reserved),
  used,
  free: Math.max(0, limit - used),
});

export function claimView({ key, msgid, detail, created }: Allocation): HostClaimView {
  const claim = claimOf(key, detail);
  return {
    vm: claim.vm || null,
    msgid,
    project: claim.project || DEFAULT_PROJECT,
    cpu: claim.cpuMilli / 1000,
    memMib: claim.memMib,
    diskMib: claim.diskMib,
    gpus: claim.devices,
    created: iso(created),
  };
}

export function networkView(row: NetworkRow, used: number, free: number): NetworkView {
  return {
    name: row.name,
    cidr: row.cidr,
    gateway: row.gateway,
    mode: row.mode,
    httpPort: Number(row.http_port),
    simulated: Number(row.simulated) === 1,
    addresses: { used, free },
    created: iso(row.created),
  };
}

/** `guest`: as its host sees it now; undefined when its host is not served here or was not asked. */
export function vmView(
  { key, msgid, project, detail, created }: Owned,
  guest: Guest | null | undefined,
): VmView {
  const recorded = String(detail.state);
  const settled = recorded === 'running' || recorded === 'stopped';
  return {
    name: key,
    uuid: textOr(detail, 'uuid'),
    state: settled && guest !== undefined ? (guest?.state ?? 'missing') : recorded,
    host: String(detail.host),
    ip: textOr(detail, 'ip'),
    mac: textOr(detail, 'mac'),
    network: textOr(detail, 'network'),
    url: textOr(detail, 'url'),
    cpu: Number(detail.cpu),
    memMib: Number(detail.mem),
    simulated: detail.simulated === true,
    msgid,
    project,
    created: iso(created),
  };
}

const textOr = (detail: Parameters, name: string): string | null => {
  const value = detail[name];
  return typeof value === 'string' ? value : null;
};
