import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import { findProgram } from '../../linux/process/exec.ts';
import { openLoopback } from './host-loopback.ts';
import { openNamespace, removeNamespace } from './host-namespace.ts';
import { dataDirDigits, type HostNetwork, namespaceName, type Start } from './host-wiring.ts';

export type { HostNetwork } from './host-wiring.ts';

export interface HostNetworkOptions {
  readonly dataDir: string;
  /** Forced; by default as detectNetworkMode says. */
  readonly mode?: 'tap' | 'user' | undefined;
}

/** Bits of CapEff, capabilities(7). */
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

/** What this process may do: root without CAP_NET_ADMIN, as in many containers, has no taps either. */
export function detectNetworkMode(): { mode: 'tap' | 'user'; reason: string } {
  const user = (reason: string) => ({ mode: 'user' as const, reason });
  const effective = effectiveCapabilities();
  if (!(effective & (1n << CAP_NET_ADMIN))) return user('no CAP_NET_ADMIN');
  if (!(effective & (1n << CAP_SYS_ADMIN))) return user('no CAP_SYS_ADMIN, which a network namespace needs');
  for (const program of ['ip', 'nsenter']) {
    if (!findProgram(program)) return user(`no program \`${program}\``);
  }
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return user('/dev/net/tun cannot be opened');
  }
  return { mode: 'tap', reason: 'CAP_NET_ADMIN and /dev/net/tun are there' };
}

function effectiveCapabilities(): bigint {
  const hex = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return BigInt(`0x${hex ?? '0'}`);
}

/**
 * The network of a data directory, ready for guests. The subnet is chosen once, free on this host, and kept in
 * `network.json`, so guests keep their addresses over restarts and reboots. Where a namespace turns out not to be
 * allowed after all, and none was used before, the loopback network is taken.
 */
export async function openHostNetwork(options: HostNetworkOptions): Promise<HostNetwork> {
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const detected = options.mode ? { mode: options.mode, reason: 'asked for' } : detectNetworkMode();
  const kept = readKept(dataDir);
  if (detected.mode === 'user') return await loopback(detected.reason);
  try {
    const network = await openNamespace(namespaceName(dataDir), detected.reason, kept.tap, startOf(dataDir));
    keep(dataDir, { ...kept, tap: { cidr: network.cidr } });
    return network;
  } catch (error) {
    if (!kept.tap) await removeNamespace(namespaceName(dataDir));
    if (options.mode || kept.tap) throw error;
    return await loopback(`a network namespace could not be made: ${textOf(error)}`);
  }

  async function loopback(reason: string): Promise<HostNetwork> {
    const network = await openLoopback(reason, kept.user, startOf(dataDir));
    keep(dataDir, { ...kept, user: { cidr: network.cidr, httpPort: network.httpPort } });
    return network;
  }
}

/** What `network.json` keeps, for each mode that was ever used. */
interface Kept {
  readonly tap?: { readonly cidr: string };
  readonly user?: { readonly cidr: string; readonly httpPort: number };
}

function readKept(dataDir: string): Kept {
  const file = join(dataDir, 'network.json');
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Kept;
  } catch (error) {
    throw new CoaxError('COAX_HYPERVISOR', `${file} cannot be read: ${textOf(error)}`, {
      where: file,
      hint: 'Delete it if no guest runs; a free subnet is then chosen anew.',
    });
  }
}

function keep(dataDir: string, kept: Kept): void {
  const file = join(dataDir, 'network.json');
  const text = `${JSON.stringify(kept)}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  writeFileSync(`${file}.${process.pid}`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.${process.pid}`, file);
}

/** Where the search for a free third octet begins, so that two data directories seldom meet. */
function startOf(dataDir: string): Start {
  const digits = Number.parseInt(dataDirDigits(dataDir).slice(4), 16);
  return { octet: digits & 0xff, stride: (digits >> 8) | 1 };
}
