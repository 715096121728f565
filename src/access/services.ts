import type { CgiFolder } from '../cgi/cgi-folder.ts';
import type { Channel } from '../channel/channel.ts';
import type { Decisions } from '../channel/decisions.ts';
import type { Agents } from '../cloud/agents/agents.ts';
import type { Cloud } from '../cloud/cloud.ts';
import type { Fault } from '../errors/coax-error.ts';
import type { FlowDefinition } from '../flow/flow.ts';
import type { Identity } from '../identity/identity.ts';
import type { OidcLogin } from '../identity/oidc/oidc-login.ts';
import type { Principal } from '../identity/principal.ts';
import type { Repository } from '../package/repository/repository.ts';
import type { GivenSecrets } from '../secret/seal-given.ts';
import type { SecretKeys } from '../secret/secret-keys.ts';
import type { Catalogue } from '../step/contract.ts';
import type { Store } from '../store/store.ts';
import type { WorkerNow, WorkerRecord } from '../store/workers.ts';
import type { Webhooks } from '../webhook/webhooks.ts';
import type { Health } from './health/health.ts';

/** All that the HTTP API stands on. It makes none of it. */
export interface Services {
  readonly store: Store;
  readonly decisions: Decisions;
  readonly channel: Channel;
  readonly flows: Flows;
  readonly catalogue: Catalogue & { faults?(): readonly Fault[] };
  readonly cloud: CloudViews;
  /** Hosts with agents of their own. */
  readonly agents: Agents;
  /** Who may do what. */
  readonly identity: Identity;
  /** Logins of people by a provider; null or absent if there is none. */
  readonly oidc?: OidcLogin | null;
  /** Whom a token or a login session stands for, or null. */
  actorOf(token: string): Principal | null | Promise<Principal | null>;
  /** The folder of CGI scripts that is served, and where large bodies wait; null or absent if none is. */
  readonly cgi?: { readonly folder: CgiFolder; readonly dataDir: string } | null;
  /** Seals what messages are given to keep secret. */
  readonly secrets: GivenSecrets;
  readonly webhooks: Webhooks;
  /** The repository of host packages. */
  readonly packages: Repository;
  readonly secretKeys: Pick<SecretKeys, 'list' | 'rotate' | 'reseal' | 'drop'>;
  fsck(): Promise<FsckResult>;
  /** Moves old finished messages to archive files; `to`: another place than the server's own. */
  archive(olderThanMs: number, to: string | null): Promise<Archived>;
  /** The ledger of these projects, or of all, as a stream for `git fast-import`. */
  exportGit(projects?: readonly string[]): AsyncIterable<string | Uint8Array>;
  /** The workers of every process on the store. */
  readonly workers: Workers;
  /** Name of this process among them. */
  readonly name: string;
  readonly health: Health;
  readonly version: string;
  /** The hypervisor is simulated; said in every view. */
  readonly simulated: boolean;
}

export interface Flows {
  find(name: string): FlowDefinition | null;
  list(): readonly FlowDefinition[];
  faults(): readonly Fault[];
}

export interface Archived {
  readonly place: string;
  readonly archives: readonly ArchivedFile[];
  readonly messages: number;
  readonly commits: number;
  readonly bytes: number;
  readonly kept: number;
}

interface ArchivedFile {
  readonly name: string;
  readonly messages: number;
  readonly commits: number;
  readonly bytes: number;
}

export interface FsckResult {
  readonly faults: readonly { readonly kind: string; readonly reason: string }[];
  /** VMs in another state than is on record, and what could not be compared. */
  readonly notes?: readonly string[];
}

/** Who is there, as `Presence` tells it. */
export interface Workers {
  list(): Promise<readonly WorkerRecord[]>;
  /** Who served that address last; null if nobody ever did. */
  lastSeen(address: string): Promise<{ readonly worker: string; readonly seen: number } | null>;
  /** Whether a living worker knows that action, as far as is known without asking. */
  isKnown(module: string, action: string): boolean;
  /** Resolves when other processes can read of the workers here as they are now. */
  told(): Promise<void>;
  /** Adds workers that this process knows of; returns what takes them away again. */
  add(source: () => readonly WorkerNow[]): () => void;
  /** Something of them is new. */
  changed(): void;
}

/** The part of the cloud that the API shows; the cloud knows nothing of HTTP. */
export type CloudViews = Pick<
  Cloud,
  | 'hosts'
  | 'host'
  | 'fleetMap'
  | 'hostState'
  | 'placement'
  | 'placementFigures'
  | 'networks'
  | 'network'
  | 'vms'
  | 'vm'
  | 'usesNow'
  | 'useHistory'
  | 'consoleTail'
  | 'serialSocket'
  | 'serialHosts'
  | 'doctor'
>;
