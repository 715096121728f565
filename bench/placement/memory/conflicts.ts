import type { PlacementClaim } from '../../../src/placement/claim.ts';
import { claimOf, Fleet } from '../../../src/placement/fleet.ts';
import { placementHost } from '../../../src/placement/host.ts';
import { type PlacementRequest, placementRequest } from '../../../src/placement/request.ts';
import type { Shard } from '../../../src/placement/shard.ts';
import { seededRandom } from '../../../src/replay/random.ts';
import { comparedRow, type Row } from '../../row.ts';
import { HOST } from '../claims/cloud-rig.ts';

const FULL = { hosts: 10_000, requests: 30_000 };
const QUICK = { hosts: 60, requests: 600 };
const SCHEDULERS = 4;
const USED = 0.8;
/** Together, in virtual time. */
const REQUESTS_PER_MS = 10;
/** So much later a scheduler hears of what another has done. */
const LATE_MS = 100;
const CPUS = [1, 2, 2, 4, 4, 8];
const MIB_PER_CPU = [1024, 2048, 4096];

type Change = { readonly at: number; readonly by: number } & (
  | { readonly hold: PlacementClaim }
  | { readonly release: string }
);

/** Claims that are lost because another scheduler was faster, of all that are tried: in virtual time, so the same on every machine. */
export async function measureConflicts(quick: boolean): Promise<Row[]> {
  const { hosts, requests } = quick ? QUICK : FULL;
  const name = `${SCHEDULERS} schedulers with a shard each, ${hosts.toLocaleString('en')} hosts ${USED * 100} % full, caches ${LATE_MS} ms old: claims lost to others`;
  const value = lostPart(hosts, requests, true);
  const reference = lostPart(hosts, requests, false);
  return [comparedRow(name, '%', 'without shards', [{ value, reference }], 'value <= 2')];
}

function lostPart(hosts: number, requests: number, sharded: boolean): number {
  const race = new Race(hosts, sharded);
  race.fill();
  for (let number = 0; number < requests; number++) race.step(number);
  race.check();
  return (100 * race.lost) / (race.lost + requests);
}

/** Several fleets that hear of each other late, and one that is the truth, as the store is. */
class Race {
  readonly #random = seededRandom(7);
  readonly #truth = new Fleet();
  readonly #fleets: readonly Fleet[];
  readonly #shards: readonly (Shard | undefined)[];
  readonly #living: PlacementClaim[] = [];
  #news: Change[] = [];
  lost = 0;

  constructor(hosts: number, sharded: boolean) {
    const peers = Array.from({ length: SCHEDULERS }, (_, index) => `scheduler-${index}`);
    this.#fleets = peers.map(() => new Fleet());
    this.#shards = peers.map(name => (sharded ? { name, peers } : undefined));
    for (let index = 0; index < hosts; index++) {
      const host = placementHost({
        name: `host-${index}`,
        cpuMilliTotal: HOST.cpus * 1000,
        memMibTotal: HOST.memMib,
      });
      for (const fleet of [this.#truth, ...this.#fleets]) fleet.put(host);
    }
  }

  /** Until so large a part of the CPUs is used; everybody knows. */
  fill(): void {
    const wanted = this.#truth.size * HOST.cpus * 1000 * USED;
    let used = 0;
    for (let number = 0; used < wanted; number++) {
      const request = this.#request();
      const choice = this.#truth.select(request);
      if (choice === null) throw new Error('the hosts are full before they should be');
      const claim = claimOf(request, choice, `first-${number}`);
      for (const fleet of [this.#truth, ...this.#fleets]) fleet.hold(claim);
      this.#living.push(claim);
      used += request.cpuMilli;
    }
  }

  /** One VM comes, by the next scheduler in turn, and one goes. */
  step(number: number): void {
    const at = Math.floor(number / REQUESTS_PER_MS);
    const by = number % SCHEDULERS;
    this.#hear(at);
    const claim = this.#claimed(this.#request(), by, `claim-${number}`);
    this.#news.push({ at: at + LATE_MS, by, hold: claim });
    const place = this.#random(this.#living.length);
    const gone = this.#living[place]!;
    this.#living[place] = claim;
    this.#truth.release(gone.id);
    this.#fleets[by]!.release(gone.id);
    this.#news.push({ at: at + LATE_MS, by, release: gone.id });
  }

  #claimed(request: PlacementRequest, by: number, id: string): PlacementClaim {
    const fleet = this.#fleets[by]!;
    const avoid = new Set<string>();
    for (;;) {
      const shard = this.#shards[by];
      const choice = fleet.select(request, { avoid, ...(shard ? { shard } : {}) });
      if (choice === null) throw new Error('a scheduler found no host');
      const free = this.#truth.view(choice.host)!;
      const claim = claimOf(request, choice, id);
      if (free.cpuMilliFree >= request.cpuMilli && free.memMibFree >= request.memMib) {
        this.#truth.hold(claim);
        fleet.hold(claim);
        return claim;
      }
      this.lost += 1;
      avoid.add(choice.host);
      // The refusal tells what is on the host.
      for (const other of this.#truth.claimsOn(choice.host)) fleet.hold(other);
    }
  }

  #hear(now: number): void {
    const heard = this.#news.findIndex(({ at }) => at > now);
    for (const change of this.#news.splice(0, heard < 0 ? this.#news.length : heard)) {
      for (const [index, fleet] of this.#fleets.entries()) {
        if (index === change.by) continue;
        if ('release' in change) fleet.release(change.release);
        else fleet.hold(change.hold);
      }
    }
  }

  /** Nothing was given out twice. */
  check(): void {
    for (const { name } of this.#truth.hosts()) {
      const { cpuMilliFree, memMibFree } = this.#truth.view(name)!;
      if (cpuMilliFree < 0 || memMibFree < 0) throw new Error(`${name} is over-committed`);
    }
  }

  #request(): PlacementRequest {
    const cpus = CPUS[this.#random(CPUS.length)]!;
    return placementRequest({ cpuMilli: cpus * 1000, memMib: cpus * MIB_PER_CPU[this.#random(3)]! });
  }
}
