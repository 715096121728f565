import type { HostView } from '../inventory/host-view.ts';
import type { Query } from '../query.ts';

/** One rule that a host must pass. Pure: the host and the query are all it sees. */
export interface Filter {
  readonly name: string;
  /**
   * Whether the query asks anything of this rule. Only of rules that a search has not kept already by where it looks: hosts that are up,
   * with the figures that `hasRoom` compares.
   */
  isAsked?(query: Query): boolean;
  /** True for rules about what a host is, which a class of hosts may pass as a whole. */
  readonly isOfClass?: boolean;
  passes(host: HostView, query: Query): boolean;
  /** Why this host does not pass, in a few words. */
  why(host: HostView, query: Query): string;
  /** What would help, seen from hosts that this rule removed. */
  remedy(removed: readonly HostView[], query: Query): Remedy;
}

export interface Remedy {
  /** The nearest miss: `most free: 22,528 MiB on node-a`. */
  readonly nearest: string;
  /** What to do about it: `ask for at most mem=22528`. */
  readonly fix: string;
  /** False when asking for less or for something else would not help. */
  readonly byAsking: boolean;
}

/** The host with the most of something; the first of equals. */
export function most(hosts: readonly HostView[], of: (host: HostView) => number): HostView {
  return hosts.reduce((best, host) => (of(host) > of(best) ? host : best));
}

/** 22528 as `22,528`. */
export const grouped = (figure: number): string => String(figure).replace(/\B(?=(\d{3})+$)/g, ',');

/** `a or b`: up to five of the values, each once, in order. */
export const anyOf = (values: readonly string[]): string =>
  [...new Set(values)].sort().slice(0, 5).join(' or ');

/** For what is free only when something else goes. */
export function roomRemedy(nearest: string, free: number, parameter: string): Remedy {
  const byAsking = free > 0;
  const fix = byAsking ? `ask for at most ${parameter}=${free}` : 'remove a VM, or add a host';
  return { nearest, fix, byAsking };
}
