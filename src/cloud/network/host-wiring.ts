import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';

/** A guest's tap device on the bridge. */
export interface Tap {
  readonly name: string;
  /** Null on a tap that is not of our making. */
  readonly uuid: string | null;
}

/**
 * How guests of one data directory are wired on this host. Seeds the subnet from which addresses are given out.
 * Every method is safe to repeat. Errors: COAX_HYPERVISOR, COAX_TOOL_MISSING.
 */
export interface HostNetwork {
  /** `tap`: addresses of their own, in a network namespace. `user`: addresses of the loopback network. */
  readonly mode: 'tap' | 'user';
  /** Why this mode, for people. */
  readonly reason: string;
  readonly cidr: string;
  readonly gateway: string;
  readonly prefix: number;
  /** Port at a guest's address that answers for its port 80. */
  readonly httpPort: number;
  /** Name of the namespace, which is the host's interface too. */
  readonly namespace: string | null;
  /** Makes what is missing, after a reboot all of it; costs nothing when all is there. */
  ensure(): Promise<void>;
  /** The guest's tap, made anew; null in user mode. */
  attach(uuid: string): Promise<string | null>;
  detach(uuid: string): Promise<void>;
  taps(): Promise<readonly Tap[]>;
  /** The command line that runs a program where the guests' network is; the pid stays that of the program. */
  inside(program: string, args: readonly string[]): readonly [program: string, args: readonly string[]];
  /** Removes everything on the host; guests must be gone. The subnet stays kept in the data directory. */
  remove(): Promise<void>;
}

/** Where a data directory looks for a free third octet, and in what odd steps. */
export interface Start {
  readonly octet: number;
  readonly stride: number;
}

/** A data directory's one path, whatever links lead to it. */
export function dataDirPath(dataDir: string): string {
  return existsSync(dataDir) ? realpathSync(dataDir) : resolve(dataDir);
}

/** First 8 hex digits that stand for a data directory in names outside of it. */
export function dataDirDigits(dataDir: string): string {
  return createHash('sha256').update(dataDirPath(dataDir)).digest('hex').slice(0, 8);
}

/** `coax-` and 6 hex digits: an interface name has 15 characters at most. */
export function namespaceName(dataDir: string): string {
  return `coax-${dataDirDigits(dataDir).slice(0, 6)}`;
}

/** Name of a guest's tap; from a hash, because the first digits of uuids made at one time may be equal. */
export function tapName(uuid: string): string {
  return `tap${createHash('sha256').update(uuid).digest('hex').slice(0, 12)}`;
}
