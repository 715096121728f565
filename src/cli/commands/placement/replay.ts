import { CoaxError } from '../../../errors/coax-error.ts';
import type { ReplayReport } from '../../compose/run-replay.ts';
import type { Context } from '../../context.ts';
import { progressLine } from '../../live/progress-line.ts';
import { chart } from '../../output/chart.ts';
import { defineVerb, UsageFault, wholeNumber } from '../../verb.ts';

interface ReplayFlags {
  readonly hosts?: string;
  readonly identical?: number;
  readonly hostCpu: number;
  readonly hostMem: number;
  readonly inflate?: number;
  readonly policy?: string;
  readonly seed: number;
  readonly direct?: boolean;
}

const LINE_MS = 10_000;
const CHART_WIDTH = 64;
const CHART_HEIGHT = 8;

/** Replays a VM trace on simulated hosts, in virtual time. */
export const verb = defineVerb<ReplayFlags>({
  examples: [
    ['coax replay vms.csv.gz --identical 64', 'how many of the requests 64 equal hosts take'],
    ['coax replay pods.csv.gz --hosts hosts.csv.gz --direct', 'on the hosts of a file, placement alone'],
    [
      'coax replay pods.csv --hosts hosts.csv --inflate 1.3 --direct',
      'until 130 % of the GPUs was asked for',
    ],
  ],
  details: [
    'EVENTS has the columns t,op,vm,cpu,mem_mib and optionally gpu,gpu_milli,gpu_model; HOSTS has host,cpu,mem_mib and optionally gpu,gpu_model. Both may be packed with gzip. No server is needed: the replay has a store, a worker and hosts of its own, in a temporary folder.',
    'Each create is a message, each delete the revert of that message; hosts are chosen as a server chooses them. --direct leaves messages and ledger out: placement alone, in memory, hundreds of times as fast. The same seed gives the same result. After each placement it is checked that no host is over-committed.',
  ],
  args: [{ name: '<events>', about: 'File of events, plain or gzip', completes: 'file' }],
  options: [
    { flags: '--hosts <file>', about: 'File of hosts', completes: 'file' },
    { flags: '--identical <n>', about: 'So many equal hosts instead', parse: wholeNumber(1) },
    { flags: '--host-cpu <n>', about: 'CPUs of each equal host', default: 64, parse: wholeNumber(1) },
    {
      flags: '--host-mem <mib>',
      about: 'Memory of each equal host',
      default: 131_072,
      parse: wholeNumber(1),
    },
    {
      flags: '--inflate <share>',
      about: "Repeat requests, and never delete, until that share of the fleet's GPUs was asked for",
      parse: shareOfGpus,
    },
    { flags: '--policy <name>', about: 'Placement policy: pack (the default), spread, balance or tight' },
    { flags: '--seed <n>', about: 'For every choice by chance', default: 1, parse: wholeNumber(0) },
    { flags: '--direct', about: 'Placement and claims alone' },
  ],
  statuses: [[0, 'replayed, whatever was rejected']],
  async run(context, [events = ''], flags) {
    const hosts = hostsWanted(flags);
    const { runReplay } = await import('../../compose/run-replay.ts');
    const { out } = context;
    const line = progressLine(context, { lineMs: LINE_MS, dated: false });
    const began = performance.now();
    const report = await runReplay({
      events,
      hosts,
      inflate: flags.inflate ?? null,
      policy: flags.policy ?? '',
      seed: flags.seed,
      direct: flags.direct ?? false,
      onProgress: count => line.show(`${count.toLocaleString('en')} events replayed`),
    }).finally(() => line.close());
    const took = ((performance.now() - began) / 1000).toFixed(1);
    await out.object(report, `${report.accepted}/${report.requests}`, () => show(context, report));
    out.hint(`${report.events.toLocaleString('en')} events in ${took}s`);
    return 0;
  },
});

function shareOfGpus(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= 100) return value;
  throw new UsageFault('expected a share such as 1.3 for 130 %');
}

function hostsWanted({ hosts, identical, hostCpu, hostMem }: ReplayFlags) {
  if ((hosts === undefined) === (identical === undefined)) {
    throw new CoaxError('COAX_USAGE', hosts ? 'hosts are given twice' : 'no hosts to replay on', {
      where: '--hosts, --identical',
      hint: 'Give one of them: --hosts FILE, or --identical N with --host-cpu and --host-mem.',
    });
  }
  return hosts ?? { count: identical!, cpu: hostCpu, memMib: hostMem };
}

function show({ out }: Context, report: ReplayReport): void {
  const { density, densityOverTime: points, requests, accepted, rejected } = report;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const ofRequests = (count: number): string =>
    `${count.toLocaleString('en')}  ${percent(requests === 0 ? 0 : count / requests)}`;
  const hasGpus = report.gpusTotal > 0;
  const ofGpus = (count: number): string =>
    hasGpus ? `${count.toLocaleString('en')}  ${percent(count / report.gpusTotal)}` : '';
  out.fields([
    ['note', out.style('yellow', 'SIMULATED')],
    ['requests', requests.toLocaleString('en')],
    ['accepted', ofRequests(accepted)],
    ['rejected', ofRequests(rejected)],
    ['hosts used', `${report.hostsUsed.toLocaleString('en')} of ${report.hosts.toLocaleString('en')}`],
    ['hosts in use', `${report.hostsInUseMean.toFixed(2)} on average`],
    ['GPUs', hasGpus ? report.gpusTotal.toLocaleString('en') : ''],
    ['GPUs asked', ofGpus(report.gpusAsked)],
    ['GPUs given', ofGpus(report.gpusGiven)],
    ['packed', `${percent(density.packed)} (CPU ${percent(density.cpu)}, memory ${percent(density.mem)})`],
  ]);
  if (points.length < 2) return;
  out.line();
  out.line(hasGpus ? 'GPUs given, over time' : 'Packing density of the hosts in use, over time');
  const width = Math.max(16, Math.min(CHART_WIDTH, (out.columns ?? 80) - 8));
  const size = { width, height: CHART_HEIGHT, from: '0', to: lengthText(report.seconds) };
  const shares = points.map(point => (hasGpus ? point.gpu : point.packed));
  for (const row of chart(shares, size)) out.line(row);
}

function lengthText(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${(seconds / 86_400).toFixed(1)} days`;
  if (seconds >= 2 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${seconds} s`;
}
