import type { Limits } from '../../access/limits/limits.ts';

export { parseLimits } from '../../access/limits/limits.ts';

/** `server`: API, groups and views, no steps. `worker`: steps alone, on a shared store. `all`: both. */
export type ProcessRole = 'all' | 'server' | 'worker';
export const ROLES: readonly ProcessRole[] = ['all', 'server', 'worker'];

export const LISTEN_DEFAULT = '127.0.0.1:7411';
export const VERSION = '0.1.0';

export interface ProcessOptions {
  readonly role: ProcessRole;
  readonly dataDir: string;
  /** `postgres://…`, shared with other processes; null = SQLite in the data directory. */
  readonly storeUrl: string | null;
  /** `HOST:PORT` (port 0 = any), `unix:/path`, or `fd:N`, a socket that listens already. A worker listens only when it is given. */
  readonly listen: string | null;
  readonly allowRemote?: boolean;
  /** Where other servers on the store reach this one; where it listens if absent. */
  readonly peerUrl?: string;
  readonly simulate: boolean;
  /** Folders of the user's own modules and flows; they need not exist yet. */
  readonly modulesDirs: readonly string[];
  readonly flowsDirs: readonly string[];
  /** File of placement policies; placement.yaml in the data directory if absent. */
  readonly policiesFile?: string;
  /** Hears that the store is brought up to date before anything is served, which may take long. */
  readonly onMigrate?: (about: string) => void;
  /** Networks that webhooks may send to although they are not of the public internet. */
  readonly webhookAllow?: readonly string[];
  /** File of the keys that secrets are sealed with; secret-keys.json in the data directory if absent. */
  readonly secretKeyFile?: string;
  /** File that names the provider by which people log in. None if absent. */
  readonly oidcFile?: string;
  /** Finished messages older than so much are archived while the server runs. */
  readonly retainMs?: number;
  /** Where archives go: a folder, or s3://bucket/prefix; else the folder archive of the data directory. */
  readonly archive?: string;
  /** Where host packages lie: a folder, or s3://bucket/prefix; else the folder package-repository of the data directory. */
  readonly packages?: string;
  /** How often contents of the repository that nothing names are deleted; 0: never. A day if absent. */
  readonly collectMs?: number;
  /** How long a step that nobody extends stays with its worker, on a store that is shared. */
  readonly leaseMs?: number;
  /** A host with an agent that is down for so long is declared lost: something else must have fenced it. Never if absent. */
  readonly lostAfterMs?: number;
  /** Bounds of what clients may ask of its API; the usual ones for what is absent. */
  readonly limits?: Partial<Limits>;
  /** Folder of CGI scripts, served at /cgi-bin/ and known as actions of the module `cgi`. */
  readonly cgiDir?: string;
  /** Addresses and ranges of proxies whose word on the client's address is taken. */
  readonly trustProxy?: readonly string[];
  /**
   * When it stops, connections that a proxy keeps open may still bring requests for so long, while new ones are refused. 0 or
   * absent: it takes new ones until the steps under way have ended, and then closes all.
   */
  readonly lingerMs?: number;
  /** A line about what the process does. */
  log(line: string): void;
}
