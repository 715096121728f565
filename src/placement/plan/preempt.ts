import type { PlacementClaim } from '../claim.ts';
import { FILTERS } from '../filters/all.ts';
import type { HostTable } from '../inventory/host-table.ts';
import { HostView } from '../inventory/host-view.ts';
import { CPU, DISK, MEM, ROW } from '../inventory/row.ts';
import type { Scoring } from '../policies/policy.ts';
import type { Query } from '../query.ts';

/** Which claims would have to go from a host so that a request fits there. */
export interface Preemption {
  readonly host: string;
  readonly victims: readonly PlacementClaim[];
}

/** Claims of a host of which every pair is tried; with more, the smallest ones are spared in turn. */
const PAIRS_OF = 32;

/**
 * The least set of preemptible claims that makes room: the fewest, then those that hold least. One or two are found for certain; of
 * more, a set of which none could be spared. Null when no set is enough. The table is the same afterwards.
 */
export function leastPreemption(table: HostTable, query: Query, scoring: Scoring): Preemption | null {
  let best: { host: string; victims: readonly PlacementClaim[]; size: number } | null = null;
  const view = new HostView(table);
  for (let at = 0; at < table.end; at += 1) {
    const host = table.host(at);
    if (host === null || table.preemptibles(at) === 0) continue;
    const claims = table.book
      .ofHost(at)
      .filter(claim => table.book.isPreemptible(claim))
      .map(claim => table.book.claim(claim, host.name));
    if (!couldFit(table, at, query, claims)) continue;
    const sized = claims
      .map(claim => ({ claim, size: sizeOf(table, at, claim) }))
      .sort((one, other) => one.size - other.size)
      .map(({ claim }) => claim);
    const fits = (victims: readonly PlacementClaim[]): boolean => {
      for (const { id } of victims) table.release(id);
      view.at = at;
      const passes =
        FILTERS.every(rule => rule.passes(view, query)) &&
        scoring.filters.every(rule => rule.passes(view, query.request));
      for (const victim of victims) table.hold(victim);
      return passes;
    };
    const victims = leastOf(sized, best?.victims.length ?? Number.POSITIVE_INFINITY, fits);
    if (victims === null) continue;
    const size = victims.reduce((sum, victim) => sum + sizeOf(table, at, victim), 0);
    const isBetter =
      best === null ||
      victims.length < best.victims.length ||
      (victims.length === best.victims.length && size < best.size);
    if (isBetter) best = { host: host.name, victims, size };
  }
  return best && { host: best.host, victims: best.victims };
}

/** The least set of at most so many claims, which are given smallest first. */
function leastOf(
  claims: readonly PlacementClaim[],
  limit: number,
  fits: (victims: readonly PlacementClaim[]) => boolean,
): readonly PlacementClaim[] | null {
  if (!fits(claims)) return null;
  for (const claim of claims) if (fits([claim])) return [claim];
  if (limit < 2) return null;
  if (claims.length <= PAIRS_OF) {
    for (let one = 1; one < claims.length; one += 1) {
      for (let other = 0; other < one; other += 1) {
        const pair = [claims[other]!, claims[one]!];
        if (fits(pair)) return pair;
      }
    }
  }
  let victims = claims;
  for (const claim of claims) {
    const fewer = victims.filter(victim => victim !== claim);
    if (fits(fewer)) victims = fewer;
  }
  return victims.length <= limit ? victims : null;
}

/** A quick look before anything is tried: with all of them gone, would CPU, memory and disk be enough? */
function couldFit(table: HostTable, at: number, query: Query, claims: readonly PlacementClaim[]): boolean {
  let cpu = table.rows[at * ROW + CPU]!;
  let mem = table.rows[at * ROW + MEM]!;
  let disk = table.rows[at * ROW + DISK]!;
  for (const claim of claims) {
    cpu += claim.cpuMilli;
    mem += claim.memMib;
    disk += claim.diskMib;
  }
  return cpu >= query.cpu && mem >= query.mem && disk >= query.disk;
}

/** How much of its host a claim holds: parts of CPU, memory and GPUs, added up. */
function sizeOf(table: HostTable, at: number, claim: PlacementClaim): number {
  const view = new HostView(table, at);
  const part = (held: number, limit: number) => (limit > 0 ? held / limit : 0);
  return (
    part(claim.cpuMilli, view.cpuMilliLimit) +
    part(claim.memMib, view.memMibLimit) +
    part(claim.devices.length * claim.gpuMilli, 1000 * view.gpuMilliFree.length)
  );
}
