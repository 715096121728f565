import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { CoaxError } from '../../errors/coax-error.ts';
import type { HostNetwork, Start } from './host-wiring.ts';

/** 8080 first among those that anybody may use. */
const PORTS = [80, 8080, 8081, 8082, 8083, 18080, 28080];

/**
 * Guests behind QEMU's user-mode network, each at an address of its own in 127.77.N.0/24, which needs no privilege and
 * makes nothing on the host. N and the port are those kept, else ones where nothing listens now.
 */
export async function openLoopback(
  reason: string,
  kept: { readonly cidr: string; readonly httpPort: number } | undefined,
  start: Start,
): Promise<HostNetwork> {
  const chosen = kept ?? (await choose(start));
  return {
    mode: 'user',
    reason,
    cidr: chosen.cidr,
    gateway: chosen.cidr.replace(/\.0\/24$/, '.1'),
    prefix: 24,
    httpPort: chosen.httpPort,
    namespace: null,
    async ensure() {},
    async attach() {
      return null;
    },
    async detach() {},
    async taps() {
      return [];
    },
    inside: (program, args) => [program, args],
    async remove() {},
  };
}

async function choose(start: Start): Promise<{ cidr: string; httpPort: number }> {
  const taken = listeningThirdOctets(readFileSync('/proc/net/tcp', 'utf8'));
  for (let step = 0; step < 256; step++) {
    const octet = (start.octet + step * start.stride) % 256;
    if (taken.has(octet)) continue;
    for (const httpPort of PORTS) {
      // A listener on all addresses takes the port from us too.
      if (await mayListen(`127.77.${octet}.1`, httpPort)) return { cidr: `127.77.${octet}.0/24`, httpPort };
    }
  }
  throw new CoaxError('COAX_HYPERVISOR', `no port is free on 127.77.0.0/16; tried ${PORTS.join(', ')}`, {
    hint: 'End a program that listens on one of them on all addresses: `ss -ltnp` names it.',
  });
}

/** The N of every 127.77.N.0/24 in which something listens; another data directory's guests, most likely. */
export function listeningThirdOctets(procNetTcp: string): Set<number> {
  const octets = new Set<number>();
  // proc(5): the address as a little-endian hex number; state 0A is LISTEN.
  for (const match of procNetTcp.matchAll(
    /: [0-9A-F]{2}([0-9A-F]{2})4D7F:[0-9A-F]{4} [0-9A-F]{8}:[0-9A-F]{4} 0A /g,
  )) {
    octets.add(Number.parseInt(match[1]!, 16));
  }
  return octets;
}

function mayListen(address: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, address, () => probe.close(() => resolve(true)));
  });
}
