import { FILTERS } from './filters/all.ts';
import { grouped } from './filters/filter.ts';
import type { HostRequest, HostSnapshot } from './host-snapshot.ts';
import { WEIGHERS } from './weighers/all.ts';

/** What is kept with the commit: `coax why` prints it. A type, not an interface, so that it counts as JSON. */
export type PlacementRecord = {
  request: { cpu: number; mem: number; labels?: Record<string, string>; zone?: string };
  hosts: number;
  filters: FilterRecord[];
  weighers: { name: string; multiplier: number }[];
  /** The best, with their scores, best first. */
  candidates: { host: string; score: number; parts: Record<string, number> }[];
  /** The winner; absent when there is none. */
  host?: string;
  /** One sentence: why this host, or why none. */
  reason: string;
};

export type FilterRecord = {
  name: string;
  before: number;
  removed: number;
  after: number;
  /** Up to 3 of the removed. */
  examples: { host: string; reason: string }[];
};

export interface Choice {
  /** In the order in which to try to claim them; empty when none fits. */
  readonly tries: readonly HostSnapshot[];
  readonly record: PlacementRecord;
}

/** Whole number from 0 to below `bound`. */
export type Random = (bound: number) => number;

const EXAMPLES_MAX = 3;
const SHOWN_MAX = 5;
const TRIES_MAX = 64;

/**
 * Filters, then weighs, then picks by chance among the best hundredth: several schedulers with equal knowledge would
 * otherwise race for one host (a choice among the best 1 % costs 0.4 to 1 point of packing). The others follow by score
 * for when the claim is lost. The pass over the hosts begins at a random one, so that equals win equally often.
 */
export function chooseHost(hosts: readonly HostSnapshot[], request: HostRequest, random: Random): Choice {
  const { fitting, filters } = filterHosts(hosts, request);
  const best = bestOf(fitting, fitting.length > 1 ? random(fitting.length) : 0);
  const record: PlacementRecord = {
    request: requestRecord(request),
    hosts: hosts.length,
    filters,
    weighers: WEIGHERS.map(({ name, multiplier }) => ({ name, multiplier })),
    candidates: best.slice(0, SHOWN_MAX).map(({ host, score }) => ({
      host: host.name,
      score: rounded(score),
      parts: Object.fromEntries(WEIGHERS.map(weigher => [weigher.name, rounded(weigher.weigh(host))])),
    })),
    reason: '',
  };
  if (best.length === 0) {
    record.reason = whyNone(hosts, request, filters);
    return { tries: [], record };
  }
  const few = Math.min(best.length, Math.ceil(fitting.length / 100));
  const first = few > 1 ? random(few) : 0;
  const tries = best.map(({ host }) => host);
  tries.unshift(...tries.splice(first, 1));
  return { tries, record };
}

/** Completes the record once a host was claimed; `lost` claims went to others first. */
export function recordWinner(record: PlacementRecord, winner: HostSnapshot, lost: number): PlacementRecord {
  const fit = record.filters.at(-1)?.after ?? 0;
  const score = record.candidates.find(({ host }) => host === winner.name)?.score;
  const rank = score === undefined ? 'among the best' : `score ${score.toFixed(3)}`;
  const races = lost === 0 ? '' : `; ${lost} better ${lost === 1 ? 'one was' : 'ones were'} taken meanwhile`;
  const reason = `${winner.name}: ${fit} of ${record.hosts} host${record.hosts === 1 ? '' : 's'} fit, ${rank} by free memory and CPU${races}`;
  return { ...record, host: winner.name, reason };
}

function filterHosts(hosts: readonly HostSnapshot[], request: HostRequest) {
  const filters: FilterRecord[] = FILTERS.map(({ name }) => ({
    name,
    before: 0,
    removed: 0,
    after: 0,
    examples: [],
  }));
  const fitting: HostSnapshot[] = [];
  for (const host of hosts) {
    const at = firstRefusal(host, request);
    if (at < 0) {
      fitting.push(host);
      continue;
    }
    const record = filters[at]!;
    record.removed++;
    if (record.examples.length < EXAMPLES_MAX) {
      record.examples.push({ host: host.name, reason: FILTERS[at]!.why(host, request) });
    }
  }
  let left = hosts.length;
  for (const record of filters) {
    record.before = left;
    record.after = left -= record.removed;
  }
  return { fitting, filters };
}

/** Index of the first rule that the host does not pass; -1 if it passes all. A plain loop: this runs for every host. */
function firstRefusal(host: HostSnapshot, request: HostRequest): number {
  for (let at = 0; at < FILTERS.length; at++) if (!FILTERS[at]!.passes(host, request)) return at;
  return -1;
}

interface Scored {
  readonly host: HostSnapshot;
  readonly score: number;
}

/** The best by score, best first, at most TRIES_MAX: an insertion into a short list, since sorting 10,000 takes ms. */
function bestOf(hosts: readonly HostSnapshot[], start: number): Scored[] {
  const best: Scored[] = [];
  for (let step = 0; step < hosts.length; step++) {
    const host = hosts[(start + step) % hosts.length]!;
    let score = 0;
    for (const weigher of WEIGHERS) score += weigher.multiplier * weigher.weigh(host);
    if (best.length === TRIES_MAX && score <= best[TRIES_MAX - 1]!.score) continue;
    let place = best.length;
    while (place > 0 && best[place - 1]!.score < score) place--;
    best.splice(place, 0, { host, score });
    if (best.length > TRIES_MAX) best.pop();
  }
  return best;
}

/** `no host fits cpu=2 mem=409600: 1 host, memory removed 1 (most free: 22,528 MiB on node-a); ask for at most mem=22528`. */
function whyNone(
  hosts: readonly HostSnapshot[],
  request: HostRequest,
  filters: readonly FilterRecord[],
): string {
  const asked = [`cpu=${request.cpu}`, `mem=${request.memMib}`];
  if (request.zone) asked.push(`zone=${request.zone}`);
  for (const [name, value] of Object.entries(request.labels)) asked.push(`${name}=${value}`);
  const start = `no host fits ${asked.join(' ')}`;
  if (hosts.length === 0) return `${start}: there are no hosts; start a server with \`coax up\``;
  const removals = filters.filter(({ removed }) => removed > 0);
  // The rule that emptied the list is the nearest to a fix: its hosts passed all the others before it.
  const last = removals.at(-1)!;
  const at = FILTERS.findIndex(({ name }) => name === last.name);
  const removed = hosts.filter(host => firstRefusal(host, request) === at);
  const { nearest, fix } = FILTERS[at]!.remedy(removed, request);
  const counts = removals.map(({ name, removed: count }) => `${name} removed ${grouped(count)}`).join(', ');
  return `${start}: ${grouped(hosts.length)} host${hosts.length === 1 ? '' : 's'}, ${counts} (${nearest}); ${fix}`;
}

function requestRecord(request: HostRequest): PlacementRecord['request'] {
  return {
    cpu: request.cpu,
    mem: request.memMib,
    ...(Object.keys(request.labels).length ? { labels: { ...request.labels } } : {}),
    ...(request.zone ? { zone: request.zone } : {}),
  };
}

const rounded = (figure: number): number => Math.round(figure * 1000) / 1000;
