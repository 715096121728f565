import type { Choice } from '../choice.ts';
import type { PlacementClaim } from '../claim.ts';
import type { PlacementHost } from '../host.ts';
import { type PlacementRequest, placementRequest } from '../request.ts';

export interface RebalanceLimits {
  /** Moves at most; without it, as many as free hosts. */
  readonly maxMoves?: number;
  /** Claims that must not be moved; their hosts are not emptied. */
  readonly stays?: (claim: PlacementClaim) => boolean;
  /** What the VM of a claim asked for; null when it must not be moved, undefined when that is not known. */
  readonly requestOf?: (claim: PlacementClaim) => PlacementRequest | null | undefined;
}

export interface Move {
  readonly claim: PlacementClaim;
  /** Names of hosts. */
  readonly from: string;
  readonly to: string;
}

export interface Rebalancing {
  readonly moves: readonly Move[];
  /** Names of the hosts that would be empty afterwards. */
  readonly freed: readonly string[];
}

/** The fleet of which moves are tried: nothing of it is used afterwards. */
export interface Trial {
  hosts(): Iterable<PlacementHost>;
  claimsOn(host: string): PlacementClaim[];
  select(request: PlacementRequest, options: { avoid: ReadonlySet<string> }): Choice | null;
  hold(claim: PlacementClaim): void;
  remove(host: string): void;
}

/**
 * Which hosts can be emptied into others that are in use already, those with the fewest VMs first. A host is emptied as a whole or
 * not at all.
 */
export function rebalance(trial: Trial, limits: RebalanceLimits): Rebalancing {
  const requestOf = limits.requestOf ?? (() => undefined);
  const stays = limits.stays ?? (() => false);
  let left = limits.maxMoves ?? Number.POSITIVE_INFINITY;
  const used: { host: PlacementHost; count: number }[] = [];
  for (const host of [...trial.hosts()]) {
    const count = trial.claimsOn(host.name).length;
    // Empty hosts are nobody's aim, so the trial goes without them.
    if (count > 0) used.push({ host, count });
    else trial.remove(host.name);
  }
  /** Hosts that got a VM stay. */
  const aims = new Set<string>();
  const moves: Move[] = [];
  const freed: string[] = [];
  used.sort((one, other) => one.count - other.count);
  for (const { host } of used) {
    if (host.state !== 'up' || aims.has(host.name)) continue;
    const claims = trial.claimsOn(host.name);
    if (claims.some(stays)) continue;
    if (claims.length > left) break;
    const tried = emptied(trial, host, claims, requestOf);
    if (tried === null) continue;
    left -= tried.length;
    moves.push(...tried);
    freed.push(host.name);
    trial.remove(host.name);
    for (const { to } of tried) aims.add(to);
  }
  return { moves, freed };
}

/** Moves that empty a host, done on the trial; null, and nothing done, when some VM has nowhere to go. */
function emptied(
  trial: Trial,
  host: PlacementHost,
  claims: readonly PlacementClaim[],
  requestOf: NonNullable<RebalanceLimits['requestOf']>,
): Move[] | null {
  const avoid = new Set([host.name]);
  const moves: Move[] = [];
  // The biggest first: they are the hardest to place.
  for (const claim of [...claims].sort((one, other) => other.memMib - one.memMib)) {
    const own = requestOf(claim);
    const request = own === undefined ? likeItsHost(claim, host) : own;
    const choice = request === null ? null : trial.select(request, { avoid });
    if (choice === null) {
      for (const { claim: moved } of moves) trial.hold(moved);
      return null;
    }
    trial.hold({ ...claim, host: choice.host, devices: choice.devices, cell: choice.cell });
    moves.push({ claim, from: host.name, to: choice.host });
  }
  return moves;
}

/**
 * What a VM may have asked for, when nobody knows: a host just like the one it is on. A VM of a group stays, since its rule is
 * unknown.
 */
function likeItsHost(claim: PlacementClaim, host: PlacementHost): PlacementRequest | null {
  if (claim.group !== '') return null;
  const labels = Object.fromEntries(Object.entries(host.labels).filter(([name]) => name !== 'host'));
  return placementRequest({
    cpuMilli: claim.cpuMilli,
    memMib: claim.memMib,
    diskMib: claim.diskMib,
    gpu: claim.gpu,
    gpuMilli: claim.gpuMilli,
    gpuModels: claim.gpu > 0 ? [host.gpuModel] : [],
    labels,
    zone: host.zone,
    image: { accelerator: host.accelerator, hypervisor: host.hypervisor },
    numa: claim.cell >= 0 ? 'one-cell' : 'none',
    project: claim.project,
  });
}
