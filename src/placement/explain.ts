import type { PlacementRecord, RequestRecord } from './choice.ts';
import { FILTERS } from './filters/all.ts';
import { type Filter, grouped } from './filters/filter.ts';
import { BestOf, type Candidate } from './index/best-of.ts';
import { rankOf } from './index/search.ts';
import type { HostTable } from './inventory/host-table.ts';
import { HostView } from './inventory/host-view.ts';
import { packDevices } from './packing/pack-cost.ts';
import type { OwnFilter, Scoring } from './policies/policy.ts';
import type { Query } from './query.ts';
import type { PlacementRequest } from './request.ts';

const EXAMPLES_MAX = 3;
const SHOWN_MAX = 5;

/** How a winner won, by policies that are always there. */
const BY: Readonly<Record<string, string>> = {
  '': 'by packing',
  pack: 'by packing',
  spread: 'by free memory and CPU',
  balance: 'by balance of CPU and memory',
  tight: 'by least free memory and CPU',
};

/** Asks every rule of every host: what each removed, who is best, and one sentence. The cost grows with the fleet. */
export function explain(table: HostTable, query: Query, scoring: Scoring): PlacementRecord {
  const rules = [...FILTERS, ...scoring.filters.map(asFilter)];
  const removed: number[][] = rules.map(() => []);
  const best = new BestOf(SHOWN_MAX, true);
  const view = new HostView(table);
  for (let at = 0; at < table.end; at += 1) {
    if (table.host(at) === null) continue;
    view.at = at;
    const refusal = firstRefusal(rules, view, query);
    if (refusal >= 0) removed[refusal]!.push(at);
    else weigh(view, query, scoring, best);
  }
  const record: PlacementRecord = {
    request: requestRecord(query.request),
    hosts: table.size,
    filters: [],
    weighers: scoring.parts.map(({ weigher, multiplier }) => ({ name: weigher.name, multiplier })),
    candidates: best.found.map(candidate => candidateRecord(table, query, scoring, candidate)),
    reason: '',
  };
  let left = table.size;
  for (const [index, rule] of rules.entries()) {
    const examples = removed[index]!.slice(0, EXAMPLES_MAX).map(at => {
      view.at = at;
      return { host: view.name, reason: rule.why(view, query) };
    });
    const count = removed[index]!.length;
    record.filters.push({ name: rule.name, before: left, removed: count, after: left - count, examples });
    left -= count;
  }
  const [winner] = record.candidates;
  if (winner) return recordWinner(record, winner.host, 0);
  record.reason = whyNone(table, query, rules, removed);
  return record;
}

/** The record once a host was claimed; `lost` claims of better ones went to others. */
export function recordWinner(record: PlacementRecord, winner: string, lost: number): PlacementRecord {
  const fit = record.filters.at(-1)?.after ?? 0;
  const score = record.candidates.find(({ host }) => host === winner)?.score;
  const policy = record.request.policy ?? '';
  const by = BY[policy] ?? `by policy ${policy}`;
  const rank = score === undefined ? 'among the best' : `score ${score.toFixed(3)}`;
  const races = lost === 0 ? '' : `; ${lost} better ${lost === 1 ? 'one was' : 'ones were'} taken meanwhile`;
  const hosts = `${record.hosts.toLocaleString('en')} host${record.hosts === 1 ? '' : 's'}`;
  const reason = `${winner}: ${fit.toLocaleString('en')} of ${hosts} fit, ${rank} ${by}${races}`;
  return { ...record, host: winner, reason };
}

/** Index of the first rule that the host does not pass; -1 if it passes all. */
function firstRefusal(rules: readonly Filter[], view: HostView, query: Query): number {
  for (let at = 0; at < rules.length; at += 1) if (!rules[at]!.passes(view, query)) return at;
  return -1;
}

function weigh(view: HostView, query: Query, scoring: Scoring, best: BestOf): void {
  const { request } = query;
  const devices = packDevices(view.gpuMilliFree, request)!;
  const score = scoring.score(view, request, devices);
  const rank =
    request.group === null || request.group.hard ? 0 : rankOf(request.group.rule, query.membersNear(view));
  if (best.takes(rank, score, view.at)) best.offer({ at: view.at, rank, score, devices });
}

function candidateRecord(table: HostTable, query: Query, scoring: Scoring, candidate: Candidate) {
  const view = new HostView(table, candidate.at);
  const parts = Object.fromEntries(
    scoring.parts.map(({ weigher }) => [
      weigher.name,
      rounded(weigher.weigh(view, query.request, candidate.devices)),
    ]),
  );
  if (query.request.group?.hard === false) parts.group = candidate.rank;
  return { host: view.name, score: rounded(candidate.score), parts };
}

/** `no host fits cpu=2 mem=409600: 1 host, memory removed 1 (most free: 22,528 MiB on node-a); ask for at most mem=22528`. */
function whyNone(
  table: HostTable,
  query: Query,
  rules: readonly Filter[],
  removed: readonly (readonly number[])[],
): string {
  const start = `no host fits ${askedText(query.request)}`;
  if (table.size === 0) return `${start}: there are no hosts; start a server with \`coax up\``;
  const counts = rules.flatMap(({ name }, index) => {
    const count = removed[index]!.length;
    return count > 0 ? [`${name} removed ${grouped(count)}`] : [];
  });
  const { nearest, fix } = nearestFix(table, query, rules, removed);
  return `${start}: ${grouped(table.size)} host${table.size === 1 ? '' : 's'}, ${counts.join(', ')} (${nearest}); ${fix}`;
}

/**
 * Hosts that only one rule refuses are the nearest to a fix, and best those where asking for something else is enough. Without any such
 * host, the rule that emptied the list.
 */
function nearestFix(
  table: HostTable,
  query: Query,
  rules: readonly Filter[],
  removed: readonly (readonly number[])[],
) {
  const near = rules.map((): HostView[] => []);
  for (const [index, hosts] of removed.entries()) {
    const others = rules.filter((_, other) => other > index);
    for (const at of hosts) {
      const view = new HostView(table, at);
      if (firstRefusal(others, view, query) < 0) near[index]!.push(view);
    }
  }
  const remedies = near.flatMap((views, index) =>
    views.length === 0 ? [] : [rules[index]!.remedy(views, query)],
  );
  const found = remedies.findLast(({ byAsking }) => byAsking) ?? remedies.at(-1);
  if (found) return found;
  const last = removed.findLastIndex(hosts => hosts.length > 0);
  return rules[last]!.remedy(
    removed[last]!.map(at => new HostView(table, at)),
    query,
  );
}

function asFilter(own: OwnFilter): Filter {
  return {
    name: own.name,
    passes: (host, { request }) => own.passes(host, request),
    why: (host, { request }) => own.why?.(host, request) ?? `refused by ${own.name}`,
    remedy: (removed, { request }) => ({
      nearest: `${removed[0]!.name}: ${own.why?.(removed[0]!, request) ?? `refused by ${own.name}`}`,
      fix: `see the rule ${own.name} of the policy`,
      byAsking: true,
    }),
  };
}

/** Only what was asked for. */
function requestRecord(request: PlacementRequest): RequestRecord {
  const { image, group } = request;
  return {
    cpu: request.cpuMilli / 1000,
    mem: request.memMib,
    ...(Object.keys(request.labels).length ? { labels: { ...request.labels } } : {}),
    ...(request.zone ? { zone: request.zone } : {}),
    ...(request.diskMib ? { disk: request.diskMib } : {}),
    ...(request.gpu ? { gpu: request.gpu, gpuMilli: request.gpuMilli } : {}),
    ...(request.gpuModels.length ? { gpuModels: [...request.gpuModels] } : {}),
    ...(request.rack ? { rack: request.rack } : {}),
    ...(image.accelerator || image.hypervisor ? { image: { ...image } as Record<string, string> } : {}),
    ...(request.numa === 'none' ? {} : { numa: request.numa }),
    ...(group ? { group: { ...group } } : {}),
    ...(request.sameHostAs.length ? { sameHostAs: [...request.sameHostAs] } : {}),
    ...(request.differentHostFrom.length ? { differentHostFrom: [...request.differentHostFrom] } : {}),
    ...(request.exclude.length ? { exclude: [...request.exclude] } : {}),
    ...(request.preemptible ? { preemptible: true } : {}),
    ...(request.policy ? { policy: request.policy } : {}),
  };
}

/** `cpu=2 mem=4096 zone=a gpu=t4`: names as they are given, and the labels by their own. */
function askedText(request: PlacementRequest): string {
  const { labels, image, group } = request;
  const asked = [`cpu=${request.cpuMilli / 1000}`, `mem=${request.memMib}`];
  const add = (name: string, value: string | number | undefined) => {
    if (value) asked.push(`${name}=${value}`);
  };
  add('zone', request.zone);
  for (const [name, value] of Object.entries(labels)) asked.push(`${name}=${value}`);
  add('disk', request.diskMib);
  add('gpu', request.gpu);
  if (request.gpu > 0 && request.gpuMilli < 1000) add('gpu_milli', request.gpuMilli);
  if (request.gpu > 0) add('gpu_models', request.gpuModels.join(','));
  add('rack', request.rack);
  add('accelerator', image.accelerator);
  add('hypervisor', image.hypervisor);
  add('numa', request.numa === 'none' ? '' : request.numa);
  if (group) asked.push(`group=${group.name} (${group.hard ? '' : 'soft '}${group.rule}, ${group.scope})`);
  add('same_host_as', request.sameHostAs.join(','));
  add('different_host_from', request.differentHostFrom.join(','));
  return asked.join(' ');
}

const rounded = (figure: number): number => Math.round(figure * 1000) / 1000;
