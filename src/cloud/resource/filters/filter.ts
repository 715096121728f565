import type { HostRequest, HostSnapshot } from '../host-snapshot.ts';

/** One rule that a host must pass. Pure: the snapshot and the request are all it sees. */
export interface Filter {
  readonly name: string;
  passes(host: HostSnapshot, request: HostRequest): boolean;
  /** Why this host does not pass, in a few words. */
  why(host: HostSnapshot, request: HostRequest): string;
  /** What would help, seen from the hosts that only this rule removed. */
  remedy(removed: readonly HostSnapshot[], request: HostRequest): Remedy;
}

export interface Remedy {
  /** The nearest miss: `most free: 22,528 MiB on node-a`. */
  readonly nearest: string;
  /** What to do about it: `ask for at most mem=22528`. */
  readonly fix: string;
}

/** The host with the most of something; the first of equals. */
export function most(hosts: readonly HostSnapshot[], of: (host: HostSnapshot) => number): HostSnapshot {
  return hosts.reduce((best, host) => (of(host) > of(best) ? host : best));
}

/** 22528 as `22,528`. */
export const grouped = (figure: number): string => String(figure).replace(/\B(?=(\d{3})+$)/g, ',');
