import { CoaxError } from '../../errors/coax-error.ts';
import type { Fleet } from '../../placement/fleet.ts';
import type { PolicyBook } from '../../policy/policy-book.ts';
import type { Slice } from '../../store/slice.ts';
import type { Store } from '../../store/store.ts';
import { type ReservationInfo, reservationsOf } from '../places/reservation-views.ts';
import type { FleetFeed } from '../resource/feed/fleet-feed.ts';
import { HostWish, requestOf } from '../resource/host-wish.ts';
import { planMoves } from './plan-moves.ts';
import { type PlacementPlan, planPlacement } from './plan-placement.ts';
import type { Wish } from './wishes-of.ts';

export interface PolicyInfo {
  readonly name: string;
  readonly about: string;
  readonly builtin: boolean;
  readonly default: boolean;
  readonly weighers: Record<string, number>;
  readonly filters: string[];
  readonly projects: string[];
  readonly flavors: string[];
}

export interface RebalancePlan {
  readonly moves: { readonly vm: string; readonly from: string; readonly to: string }[];
  /** Names of the hosts that would have no VM. */
  readonly freed: string[];
  readonly hostsInUse: number;
}

/** What would happen to VMs that are not there yet, or that would be moved. Nothing is written. */
export class PlacementViews {
  readonly #store: Store;
  readonly #feed: FleetFeed;
  readonly #policies: PolicyBook;

  constructor(store: Store, feed: FleetFeed, policies: PolicyBook) {
    this.#store = store;
    this.#feed = feed;
    this.#policies = policies;
  }

  /**
   * Where VMs would land: `count` times those of `wishes`, one after the other. Errors: COAX_STEP_INPUT for a wish that
   * `resource select_host` would refuse, COAX_NOT_FOUND for a policy or flavor that there is not.
   */
  async plan(wishes: readonly Wish[], count: number): Promise<PlacementPlan> {
    const vms = wishes.map(({ parameters, preempts }) => {
      const parsed = HostWish.safeParse(parameters);
      if (parsed.success) {
        const request = requestOf(parsed.data, names => this.#policies.nameFor(names));
        return { name: parsed.data.name ?? '', request, preempts };
      }
      const [issue] = parsed.error.issues;
      throw new CoaxError('COAX_STEP_INPUT', `${issue!.path.join('.')}: ${issue!.message}`, {
        where: `/parameters/${issue!.path.join('/')}`,
      });
    });
    const repeated = Array.from({ length: count }, () => vms).flat();
    return planPlacement(await this.#fleet(), repeated);
  }

  policies(): PolicyInfo[] {
    const { assigned } = this.#policies;
    const of = (given: ReadonlyMap<string, string>, policy: string): string[] =>
      [...given].filter(([, name]) => name === policy).map(([key]) => key);
    return this.#policies.list().map(({ name, about, builtin, weights, weighers, rules }) => ({
      name,
      about,
      builtin,
      default: name === this.#policies.default,
      weighers: { ...weights, ...Object.fromEntries(weighers.map(own => [own.name, own.weight])) },
      filters: rules.map(rule => rule.name),
      projects: of(assigned.projects, name),
      flavors: of(assigned.flavors, name),
    }));
  }

  /** Which moves would free how many hosts. A host with a claim that has no VM (a place of a reservation) is left as it is. */
  async planRebalance(maxMoves: number): Promise<RebalancePlan> {
    return await this.#store.transact(async tx => {
      const fleet = (await this.#feed.exactly(tx)).branch();
      const { moves, freed } = await planMoves(tx, fleet, maxMoves);
      return {
        moves: moves.map(({ claim, from, to }) => ({ vm: claim.vm, from, to })),
        freed: [...freed],
        hostsInUse: new Set([...fleet.claims()].map(({ host }) => host)).size,
      };
    });
  }

  /** Room that is held for VMs which name it: of these projects, or of all. */
  reservations(projects?: readonly string[], slice: Slice = {}): Promise<ReservationInfo[]> {
    return reservationsOf(this.#store, { projects, ...slice });
  }

  /** A copy of the fleet as the store has it now. */
  #fleet(): Promise<Fleet> {
    return this.#store.transact(async tx => (await this.#feed.exactly(tx)).branch());
  }
}
