import { randomUUID } from 'node:crypto';
import { request } from 'node:http';

/** What a VM asks for in these measures. */
export interface VmSize {
  readonly cpus: number;
  readonly memMib: number;
  readonly diskGib: number;
}

export interface LoadResult {
  /** Of the whole cycle, by wall clock. */
  readonly perSecond: number;
  /** Milliseconds of each. */
  readonly timesMs: readonly number[];
  readonly conflicts: number;
}

/** Nova's `max_placement_results`: how many candidates a scheduler asks for. */
const LIMIT = 1000;
const HEADERS = { 'X-Auth-Token': 'admin', 'OpenStack-API-Version': 'placement 1.39' };

/**
 * What Nova does for each VM, without its own work: asks for candidates and, with `claim`, claims one of them by chance; the next one when
 * another was faster. So many clients at once, each `each` times.
 */
export async function placementLoad(
  url: string,
  vm: VmSize,
  how: { clients: number; each: number; claim: boolean },
): Promise<LoadResult> {
  const timesMs: number[] = [];
  let conflicts = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: how.clients }, async () => {
      for (let round = 0; round < how.each; round++) {
        const at = performance.now();
        const hosts = await candidates(url, vm);
        if (how.claim) conflicts += await claimOneOf(url, vm, hosts);
        timesMs.push(performance.now() - at);
      }
    }),
  );
  const perSecond = timesMs.length / ((performance.now() - began) / 1000);
  return { perSecond, timesMs, conflicts };
}

/** Identifiers of hosts that have room, as Placement answers them. */
async function candidates(url: string, vm: VmSize): Promise<string[]> {
  const resources = `VCPU:${vm.cpus},MEMORY_MB:${vm.memMib},DISK_GB:${vm.diskGib}`;
  const { status, body } = await call(
    'GET',
    `${url}/allocation_candidates?resources=${resources}&limit=${LIMIT}`,
  );
  if (status !== 200) throw new Error(`allocation_candidates answered ${status}: ${body.slice(0, 300)}`);
  const answer = JSON.parse(body) as { allocation_requests: { allocations: Record<string, unknown> }[] };
  return answer.allocation_requests.flatMap(({ allocations }) => Object.keys(allocations));
}

/** Tries by chance until one is claimed. Returns how many tries were lost to others. */
async function claimOneOf(url: string, vm: VmSize, hosts: readonly string[]): Promise<number> {
  const resources = { VCPU: vm.cpus, MEMORY_MB: vm.memMib, DISK_GB: vm.diskGib };
  const consumer = randomUUID();
  for (let lost = 0; lost < 20; lost++) {
    const host = hosts[Math.floor(Math.random() * hosts.length)];
    if (host === undefined) throw new Error('there is no candidate: the hosts are full');
    const { status, body } = await call('PUT', `${url}/allocations/${consumer}`, {
      allocations: { [host]: { resources } },
      project_id: 'bench',
      user_id: 'bench',
      consumer_generation: null,
      consumer_type: 'INSTANCE',
    });
    if (status === 204) return lost;
    if (status !== 409) throw new Error(`allocations answered ${status}: ${body.slice(0, 300)}`);
  }
  throw new Error('a claim was refused 20 times');
}

/** By `node:http`, with a connection for each request: uWSGI closes them. */
function call(method: string, url: string, body?: unknown): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? HEADERS : { ...HEADERS, 'Content-Type': 'application/json' };
    const outgoing = request(url, { method, headers, agent: false }, incoming => {
      const parts: Buffer[] = [];
      incoming.on('data', part => parts.push(part));
      incoming.on('error', reject);
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(text);
  });
}
