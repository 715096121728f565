import type { Metric, MetricObjectWithValues, MetricValue, Registry } from 'prom-client';
import type { Status } from '../../message/message.ts';
import { BOUNDS_S, type Histogram } from './histogram.ts';
import type { RequestTally } from './requests.ts';
import type { Tally } from './tally.ts';

type Labels = Readonly<Record<string, string>>;
type Values = MetricValue<string>[];
interface Made {
  readonly name: string;
  get(): Promise<MetricObjectWithValues<MetricValue<string>>>;
}
type Make = (name: string, type: string, help: string, values: () => Values | Promise<Values>) => Made;

export interface MetricsSources {
  readonly tally: Tally;
  readonly requests: ReadonlyMap<string, RequestTally>;
  readonly bodies: { readonly underWay: number; readonly refused: number };
  counts(): Promise<Readonly<Record<Status, number>>>;
  /** How many wait for a person to approve. */
  awaiting(): Promise<number>;
  workers(): Promise<readonly { readonly about: { readonly role: string }; readonly steps: number }[]>;
  placement(): Promise<{
    readonly claims: number;
    readonly conflicts: number;
    readonly hosts: Readonly<Record<string, number>>;
  }>;
  webhooks(): Promise<{
    readonly active: number;
    readonly disabled: number;
    readonly deliveries: Readonly<Record<string, number>>;
  }>;
}

/** Counting a million queued messages takes a while: no oftener than this. */
const COUNTS_MS = 10_000;

/**
 * The page that Prometheus reads. Its library is loaded when the page is first asked for. Format: Prometheus text format
 * 0.0.4.
 */
export class MetricsPage {
  readonly #sources: MetricsSources;
  #registry: Promise<Registry> | null = null;
  #counts: Promise<Readonly<Record<Status, number>>> | null = null;
  #counted = Number.NEGATIVE_INFINITY;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  async text(): Promise<string> {
    this.#registry ??= this.#open();
    return await (await this.#registry).metrics();
  }

  async #open(): Promise<Registry> {
    const { collectDefaultMetrics, Registry } = (await import('prom-client')).default;
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    for (const metric of this.#metrics()) registry.registerMetric(metric as unknown as Metric);
    return registry;
  }

  #metrics(): Made[] {
    const { tally } = this.#sources;
    const metric: Make = (name, type, help, values) => ({
      name,
      get: async () =>
        ({
          name,
          type,
          help,
          aggregator: 'sum',
          values: await values(),
        }) as unknown as MetricObjectWithValues<MetricValue<string>>,
    });
    return [
      metric('coax_hosts', 'gauge', 'Hosts, by state.', async () =>
        byState((await this.#sources.placement()).hosts),
      ),
      metric('coax_placement_claims_total', 'counter', 'Claims on hosts that this process has made.', () =>
        this.#placed('claims'),
      ),
      metric(
        'coax_placement_conflicts_total',
        'counter',
        'Claims that this process has lost to others, and made elsewhere.',
        () => this.#placed('conflicts'),
      ),
      metric('coax_messages', 'gauge', 'Messages in the store, by status.', async () =>
        Object.entries(await this.#countsNow()).map(([status, value]) => ({ labels: { status }, value })),
      ),
      metric(
        'coax_messages_awaiting_approval',
        'gauge',
        'Messages that wait for a person to approve.',
        async () => [{ labels: {}, value: await this.#sources.awaiting() }],
      ),
      metric('coax_webhooks', 'gauge', 'Webhooks, by state.', async () => {
        const { active, disabled } = await this.#sources.webhooks();
        return byState({ active, disabled });
      }),
      metric(
        'coax_webhook_deliveries',
        'gauge',
        'Deliveries of webhooks that are kept, by state.',
        async () => byState((await this.#sources.webhooks()).deliveries),
      ),
      metric('coax_workers', 'gauge', 'Living workers of all processes, by role.', () =>
        this.#byRole(() => 1),
      ),
      metric('coax_steps_running', 'gauge', 'Steps under way at living workers, by role.', () =>
        this.#byRole(({ steps }) => steps),
      ),
      metric(
        'coax_transitions_total',
        'counter',
        'Transitions that this process has seen, those of other processes on its store included.',
        () =>
          [...tally.steps].flatMap(([step, { outcomes }]) =>
            [...outcomes.values()].map(({ mode, outcome, count }) => ({
              labels: { step, mode, outcome },
              value: count,
            })),
          ),
      ),
      metric('coax_step_seconds', 'histogram', 'How long steps took, undone ones included.', () =>
        [...tally.steps].flatMap(([step, { took }]) => histogram('coax_step_seconds', { step }, took)),
      ),
      ...this.#ofHttp(metric),
    ];
  }

  #ofHttp(metric: Make): Made[] {
    const { requests, bodies } = this.#sources;
    return [
      metric('coax_http_request_seconds', 'histogram', 'From the request to the end of its answer.', () =>
        [...requests.values()].flatMap(({ operation, status, took }) =>
          histogram('coax_http_request_seconds', { operation, status: String(status) }, took),
        ),
      ),
      metric('coax_http_body_bytes', 'gauge', 'Bytes of bodies of requests under way.', () => [
        { labels: {}, value: bodies.underWay },
      ]),
      metric(
        'coax_http_bodies_refused_total',
        'counter',
        'Requests that were refused since too many bytes of bodies were under way.',
        () => [{ labels: {}, value: bodies.refused }],
      ),
    ];
  }

  async #placed(of: 'claims' | 'conflicts'): Promise<Values> {
    return [{ labels: {}, value: (await this.#sources.placement())[of] }];
  }

  async #byRole(value: (worker: { readonly steps: number }) => number): Promise<Values> {
    const roles = new Map<string, number>();
    for (const worker of await this.#sources.workers())
      roles.set(worker.about.role, (roles.get(worker.about.role) ?? 0) + value(worker));
    return [...roles].map(([role, sum]) => ({ labels: { role }, value: sum }));
  }

  #countsNow(): Promise<Readonly<Record<Status, number>>> {
    const now = performance.now();
    if (this.#counts === null || now - this.#counted > COUNTS_MS) {
      this.#counted = now;
      this.#counts = this.#sources.counts();
      this.#counts.catch(() => {
        this.#counts = null;
      });
    }
    return this.#counts;
  }
}

const byState = (counts: Readonly<Record<string, number>>): Values =>
  Object.entries(counts).map(([state, value]) => ({ labels: { state }, value }));

function histogram(name: string, labels: Labels, { counts, sumS }: Histogram): Values {
  const values: (MetricValue<string> & { metricName: string })[] = [];
  let sum = 0;
  counts.forEach((count, i) => {
    sum += count;
    values.push({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: BOUNDS_S[i] ?? '+Inf' },
      value: sum,
    });
  });
  if (sum === 0) return [];
  values.push({ metricName: `${name}_sum`, labels, value: sumS });
  values.push({ metricName: `${name}_count`, labels, value: sum });
  return values;
}
