import type { Channel } from '../channel/channel.ts';
import type { Decisions } from '../channel/decisions.ts';
import type { Cloud } from '../cloud/cloud.ts';
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

/** The part of the cloud that the API shows; the cloud knows nothing of HTTP. */
export type CloudViews = Pick<
  Cloud,
  'hosts' | 'networks' | 'network' | 'vms' | 'vm' | 'consoleTail' | 'serialSocket' | 'doctor'
>;
