import { CoaxError } from '../../errors/coax-error.ts';
import type { HostView } from '../inventory/host-view.ts';
import type { PlacementRequest } from '../request.ts';
import { WEIGHERS } from '../weighers/all.ts';
import type { HostBox, Weigher } from '../weighers/weigher.ts';

/** A rule of one's own, after all others. */
export interface OwnFilter {
  readonly name: string;
  passes(host: HostView, request: PlacementRequest): boolean;
  /** Why not, in a few words. */
  why?(host: HostView, request: PlacementRequest): string;
}

/** What makes one host better than another, and rules of one's own. */
export interface Policy {
  /** Weight of each weigher by its name; a negative one turns an opinion round. */
  readonly weights: Readonly<Record<string, number>>;
  /** Weighers of one's own, which `weights` may name. */
  readonly weighers?: readonly Weigher[];
  readonly filters?: readonly OwnFilter[];
}

/** The policy of requests that name none. */
export const USUAL_POLICY = 'pack';

/** Policies that are always there. */
export const POLICIES: Readonly<Record<string, Policy>> = {
  pack: { weights: { pack: 1 } },
  spread: { weights: { 'free-memory': 1, 'free-cpu': 1 } },
  balance: { weights: { balance: 1, scarcity: 1 } },
  tight: {
    weights: { 'free-memory': -1, 'free-cpu': -1, fragmentation: 1, scarcity: 10 },
  },
};

/** A policy with its weighers found. */
export class Scoring {
  readonly name: string;
  readonly parts: readonly { readonly weigher: Weigher; readonly multiplier: number }[];
  readonly filters: readonly OwnFilter[];
  /** The only weigher, where it counts once: its word is the sum. */
  readonly #alone: Weigher | null;

  /** Errors: COAX_USAGE for a weight of a weigher that there is not, or that is no number. */
  constructor(name: string, policy: Policy) {
    this.name = name;
    this.filters = policy.filters ?? [];
    const known = [...(policy.weighers ?? []), ...WEIGHERS];
    this.parts = Object.entries(policy.weights).map(([weigherName, multiplier]) => {
      const weigher = known.find(one => one.name === weigherName);
      if (weigher && Number.isFinite(multiplier)) return { weigher, multiplier };
      const reason = weigher
        ? `the weight of ${weigherName} is no number`
        : `there is no weigher ${JSON.stringify(weigherName)}`;
      const names = known.map(one => one.name).join(', ');
      throw new CoaxError('COAX_USAGE', reason, {
        where: `policy ${name}`,
        hint: `Give a number for one of ${names}.`,
      });
    });
    const [first] = this.parts;
    this.#alone =
      first !== undefined && this.parts.length === 1 && first.multiplier === 1 ? first.weigher : null;
  }

  score(host: HostView, request: PlacementRequest, devices: readonly number[]): number {
    if (this.#alone !== null) return this.#alone.weigh(host, request, devices);
    let score = 0;
    for (const { weigher, multiplier } of this.parts) {
      score += multiplier * weigher.weigh(host, request, devices);
    }
    return score;
  }

  /** What `score` is at most for the hosts in the box that can take the request. */
  most(box: HostBox, request: PlacementRequest): number {
    const alone = this.#alone;
    if (alone !== null) return alone.most === undefined ? Number.POSITIVE_INFINITY : alone.most(box, request);
    let most = 0;
    for (const { weigher, multiplier } of this.parts) {
      const bound = multiplier < 0 ? weigher.least?.(box, request) : weigher.most?.(box, request);
      if (bound === undefined) return Number.POSITIVE_INFINITY;
      most += multiplier * bound;
    }
    return most;
  }
}

/** Every policy by name, one's own above those that are always there. Errors: COAX_USAGE. */
export function scorings(own: Readonly<Record<string, Policy>> = {}): ReadonlyMap<string, Scoring> {
  const all = { ...POLICIES, ...own };
  return new Map(Object.entries(all).map(([name, policy]) => [name, new Scoring(name, policy)]));
}

/** The policy of that name; the usual one without. Errors: COAX_USAGE. */
export function scoringOf(all: ReadonlyMap<string, Scoring>, name: string): Scoring {
  const scoring = all.get(name || USUAL_POLICY);
  if (scoring) return scoring;
  throw new CoaxError('COAX_USAGE', `there is no policy ${JSON.stringify(name)}`, {
    where: 'policy',
    hint: `Give one of ${[...all.keys()].join(', ')}, or leave it out.`,
  });
}
