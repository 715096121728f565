import type { Parameters } from '../message/message.ts';
import type { Allocation } from '../store/store.ts';
import type { Guest } from './compute/hypervisor.ts';
import { freeCpu, freeMemMib, snapshotOf } from './resource/host-snapshot.ts';
import type { HostRow, HostState, NetworkRow } from './schema.ts';

/** Times are ISO 8601; memory is in MiB. */
export interface HostView {
  readonly name: string;
  readonly state: HostState;
  /** Why it is not up; empty otherwise. */
  readonly reason: string;
  readonly hypervisor: HostRow['hypervisor'];
  readonly accelerator: string;
  readonly simulated: boolean;
  readonly zone: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cpu: {
    readonly total: number;
    readonly overcommit: number;
    readonly used: number;
    readonly free: number;
  };
  readonly memMib: { readonly total: number; readonly used: number; readonly free: number };
  readonly vms: number;
  readonly network: string;
  readonly created: string;
  readonly seen: string;
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
  /** The message that made it. */
  readonly msgid: number;
  readonly created: string;
}

const iso = (time: number): string => new Date(Number(time)).toISOString();

export function hostView(row: HostRow, vms: number, accelerator: string): HostView {
  const host = snapshotOf(row);
  const { host: _itself, ...labels } = host.labels;
  return {
    name: row.name,
    state: row.state,
    reason: row.reason,
    hypervisor: row.hypervisor,
    accelerator,
    simulated: Number(row.simulated) === 1,
    zone: row.zone,
    labels,
    cpu: {
      total: Number(row.cpu_total),
      overcommit: Number(row.cpu_overcommit),
      used: host.cpuUsed,
      free: Math.max(0, freeCpu(host)),
    },
    memMib: { total: host.memLimitMib, used: host.memUsedMib, free: Math.max(0, freeMemMib(host)) },
    vms,
    network: row.network,
    created: iso(row.created),
    seen: iso(row.seen),
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
export function vmView({ key, msgid, detail, created }: Allocation, guest: Guest | null | undefined): VmView {
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
    created: iso(created),
  };
}

const textOr = (detail: Parameters, name: string): string | null => {
  const value = detail[name];
  return typeof value === 'string' ? value : null;
};
