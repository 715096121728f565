import type { Channel } from '../channel/channel.ts';
import type { Decisions } from '../channel/decisions.ts';
import type { Fault } from '../errors/coax-error.ts';
import type { FlowDefinition } from '../flow/flow.ts';
import type { Catalogue } from '../step/contract.ts';
import type { Store } from '../store/store.ts';

/** All that the HTTP API stands on. It makes none of it. */
export interface Services {
  readonly store: Store;
  readonly decisions: Decisions;
  readonly channel: Channel;
  readonly flows: Flows;
  readonly catalogue: Catalogue & { faults?(): readonly Fault[] };
  readonly cloud: CloudViews;
  /** The actor whom a token stands for, or null. See `makeTokenCheck`. */
  actorOf(token: string): string | null;
  fsck(): Promise<FsckResult>;
  /** The ledger as a stream for `git fast-import`. */
  exportGit(): AsyncIterable<string | Uint8Array>;
  /** Workers in this server; those over HTTP are known to the API itself. */
  workers(): readonly WorkerInfo[];
  readonly version: string;
  /** The hypervisor is simulated; said in every view. */
  readonly simulated: boolean;
}

export interface Flows {
  find(name: string): FlowDefinition | null;
  list(): readonly FlowDefinition[];
  faults(): readonly Fault[];
}

export interface FsckResult {
  readonly faults: readonly { readonly kind: string; readonly reason: string }[];
}

export interface WorkerInfo {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Steps under way. */
  readonly claims: number;
}

/** The cloud as the API shows it; it knows nothing of HTTP. */
export interface CloudViews {
  hosts(): Awaitable<readonly Named[]>;
  networks(): Awaitable<readonly Named[]>;
  vms(): Awaitable<readonly VmInfo[]>;
  /** By name, or by the first digits of its uuid. */
  vm(nameOrUuidPrefix: string): Awaitable<VmInfo | null>;
  consoleTail(name: string, bytes: number): Awaitable<string>;
  /** Path of the Unix socket of the VM's serial line; null when it has none (stopped, simulated). */
  serialSocket(name: string): Awaitable<string | null>;
  doctor(): Awaitable<readonly { readonly name: string; readonly ok: boolean }[]>;
}

export type Awaitable<T> = T | Promise<T>;

export interface Named {
  readonly name: string;
  readonly simulated: boolean;
}

export interface VmInfo extends Named {
  /** The message that made it. */
  readonly msgid: number;
}
