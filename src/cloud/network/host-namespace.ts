import { existsSync, statfsSync, unlinkSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { CoaxError } from '../../errors/coax-error.ts';
import { exec } from '../../linux/process/exec.ts';
import { type HostNetwork, type Start, type Tap, tapName } from './host-wiring.ts';

const BRIDGE = 'bridge';
const UPLINK = 'uplink';
/** Type of file system of a namespace's file, statfs(2). */
const NSFS_MAGIC = 0x6e736673;

/**
 * Guests in a network namespace of their own: a bridge in it, their taps and their QEMU processes; one veth pair joins
 * it to the host, whose end is named like the namespace and has the gateway's address in 10.77.N.0/24.
 */
export async function openNamespace(
  name: string,
  reason: string,
  kept: { readonly cidr: string } | undefined,
  start: Start,
): Promise<HostNetwork> {
  const cidr = await settle(name, kept, start);
  const gateway = gatewayOf(cidr);
  let under: Promise<void> | null = null;
  const network: HostNetwork = {
    mode: 'tap',
    reason,
    cidr,
    gateway,
    prefix: 24,
    httpPort: 80,
    namespace: name,
    async ensure() {
      if (isUp(name, gateway)) return;
      under ??= setUp(name, gateway).finally(() => {
        under = null;
      });
      await under;
    },
    async attach(uuid) {
      await network.ensure();
      const tap = tapName(uuid);
      const lines = [`tuntap add ${tap} mode tap`, `link set ${tap} alias ${uuid} master ${BRIDGE} up`];
      if ((await ip(['-n', name], lines)) === null) return tap;
      // One that is there already may be of another kind or half set up.
      const reasonOfFailure = await ip(['-n', name], [`link del ${tap}`, ...lines], { force: true });
      const now = await tapsOf(name);
      if (now.some(other => other.name === tap && other.uuid === uuid)) return tap;
      throw failed(`the tap of guest ${uuid} could not be made`, reasonOfFailure);
    },
    async detach(uuid) {
      if (!isNamespace(name)) return;
      const reasonOfFailure = await ip(['-n', name], [`link del ${tapName(uuid)}`]);
      if (reasonOfFailure && !/Cannot find device/.test(reasonOfFailure)) {
        throw failed(`the tap of guest ${uuid} could not be removed`, reasonOfFailure);
      }
    },
    taps: () => tapsOf(name),
    inside: (program, args) => ['nsenter', [`--net=${pathOf(name)}`, '--', program, ...args]],
    async remove() {
      await removeNamespace(name);
      if (isNamespace(name)) throw failed(`the network namespace ${name} could not be removed`, null);
    },
  };
  return network;
}

/** Removes a namespace with the host's end of its pair, if they are there. */
export async function removeNamespace(name: string): Promise<void> {
  // The pair goes at once; a namespace only when the kernel gets round to it.
  await ip([], [`link del ${name}`, `netns del ${name}`], { force: true });
}

/** Every tap in a namespace; none if there is no such namespace. */
export async function tapsOf(namespace: string): Promise<readonly Tap[]> {
  if (!isNamespace(namespace)) return [];
  const { code, stdout, stderr } = await exec('ip', ['-j', '-n', namespace, 'link', 'show', 'type', 'tun'], {
    timeoutMs: 10_000,
  });
  if (code !== 0) throw failed(`the taps in ${namespace} could not be listed`, stderr.trim());
  const links = JSON.parse(stdout || '[]') as { ifname?: string; ifalias?: string }[];
  return links.flatMap(link => (link.ifname ? [{ name: link.ifname, uuid: link.ifalias ?? null }] : []));
}

/** Sets the network up on the kept subnet, or on the first that is free, and gives the subnet. */
async function settle(
  name: string,
  kept: { readonly cidr: string } | undefined,
  start: Start,
): Promise<string> {
  const used = await otherSubnets(name);
  if (kept) {
    if (used.some(other => overlaps(other, kept.cidr))) {
      throw new CoaxError(
        'COAX_HYPERVISOR',
        `the guests' subnet ${kept.cidr} is now used by something else`,
        {
          where: name,
          hint: 'See `ip route`: end what uses it, or start with an empty data directory.',
        },
      );
    }
    if (!isUp(name, gatewayOf(kept.cidr))) await setUp(name, gatewayOf(kept.cidr));
    return kept.cidr;
  }
  for (let step = 0; step < 256; step++) {
    // An odd stride meets every octet once; each data directory has its own, so two do not chase each other.
    const cidr = `10.77.${(start.octet + step * start.stride) % 256}.0/24`;
    if (used.some(other => overlaps(other, cidr))) continue;
    await setUp(name, gatewayOf(cidr));
    // Whoever chose the same at the same moment and set it up later sees the other one here.
    const holders = await holdersOf(gatewayOf(cidr));
    if (holders.every(other => other === name)) return cidr;
    await ip([], [`addr del ${gatewayOf(cidr)}/24 dev ${name}`]);
  }
  throw new CoaxError('COAX_HYPERVISOR', 'no subnet is free in 10.77.0.0/16', {
    hint: 'See `ip route` for what uses it.',
  });
}

async function setUp(name: string, gateway: string): Promise<void> {
  // Where /run is on a disk, the file outlives a reboot and its namespace does not.
  if (existsSync(pathOf(name)) && !isNamespace(name)) unlinkSync(pathOf(name));
  // Lines whose work was done before a crash fail and are passed over; the end tells.
  const onHost = await ip(
    [],
    [
      `netns add ${name}`,
      `link add ${name} type veth peer name ${UPLINK} netns ${name}`,
      `addr replace ${gateway}/24 dev ${name}`,
      `link set ${name} up`,
    ],
    { force: true },
  );
  const inside = await ip(
    ['-n', name],
    [
      `link add ${BRIDGE} type bridge mcast_snooping 0`,
      `link set ${UPLINK} master ${BRIDGE} up`,
      `link set ${BRIDGE} up`,
      'link set lo up',
    ],
    { force: true },
  );
  if (isNamespace(name) && (await holdersOf(gateway)).includes(name)) return;
  throw failed(
    `the guests' network ${name} could not be set up`,
    [onHost, inside].filter(Boolean).join('; '),
  );
}

/** Interfaces that are up and have an address. */
async function holdersOf(address: string): Promise<string[]> {
  const { stdout } = await exec('ip', ['-j', '-4', 'addr', 'show', 'up'], { timeoutMs: 10_000 });
  const links = JSON.parse(stdout || '[]') as { ifname?: string; addr_info?: { local?: string }[] }[];
  return links.flatMap(({ ifname, addr_info }) =>
    ifname && addr_info?.some(({ local }) => local === address) ? [ifname] : [],
  );
}

/**
 * Without starting a process: the namespace is there, and the host's end has its address and a carrier. A new pair gets its
 * carrier up to a second late; setting it up once more then does no harm.
 */
function isUp(name: string, gateway: string): boolean {
  return isNamespace(name) && (networkInterfaces()[name] ?? []).some(({ address }) => address === gateway);
}

export function isNamespace(name: string): boolean {
  try {
    return statfsSync(pathOf(name)).type === NSFS_MAGIC;
  } catch {
    return false;
  }
}

function pathOf(name: string): string {
  return `/run/netns/${name}`;
}

function gatewayOf(cidr: string): string {
  return cidr.replace(/\.0\/24$/, '.1');
}

/** Destinations of the host's IPv4 routes, without those through our own interface. */
async function otherSubnets(name: string): Promise<string[]> {
  const { stdout } = await exec('ip', ['-j', '-4', 'route', 'show', 'table', 'all'], { timeoutMs: 10_000 });
  const routes = JSON.parse(stdout || '[]') as { dst?: string; dev?: string }[];
  return routes.flatMap(route =>
    route.dev !== name && route.dst && route.dst !== 'default' ? [route.dst] : [],
  );
}

/** Do two IPv4 ranges overlap? Routes as wide as a /8 (a company's VPN) are passed over: ours is more specific. */
export function overlaps(route: string, cidr: string): boolean {
  const [address = '', bits = '32'] = route.split('/');
  const [base = '', length = '32'] = cidr.split('/');
  if (Number(bits) <= 8) return false;
  const shift = 32 - Math.min(Number(bits), Number(length));
  return Math.floor(toNumber(address) / 2 ** shift) === Math.floor(toNumber(base) / 2 ** shift);
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

/** One `ip -batch -`, which stops at the first error unless `force`. Null if all went well, else what was wrong. */
async function ip(
  options: readonly string[],
  lines: readonly string[],
  { force = false } = {},
): Promise<string | null> {
  const args = [...options, ...(force ? ['-force'] : []), '-batch', '-'];
  const result = await exec('ip', args, { input: `${lines.join('\n')}\n`, timeoutMs: 30_000 });
  if (result.code === 0) return null;
  return result.stderr.trim().split('\n').join('; ') || `ip ended with ${result.code ?? result.signal}`;
}

function failed(reason: string, detail: string | null): CoaxError {
  return new CoaxError('COAX_HYPERVISOR', detail ? `${reason}: ${detail}` : reason, {
    hint: '`ip netns` and `ip link` show what is there; `coax doctor` tells what is missing.',
  });
}
