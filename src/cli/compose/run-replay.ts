import { CoaxError } from '../../errors/coax-error.ts';
import { checkPolicy, directTarget } from '../../replay/direct-target.ts';
import { seededRandom } from '../../replay/random.ts';
import { type ReplayReport, replay } from '../../replay/replay.ts';
import { inflate } from '../../replay/trace/inflate.ts';
import { readEvents } from '../../replay/trace/read-events.ts';
import { identicalHosts, readHosts, type TraceHost } from '../../replay/trace/read-hosts.ts';
import { openReplaySystem } from './open-replay.ts';

export type { ReplayReport } from '../../replay/replay.ts';

export interface ReplayOptions {
  readonly events: string;
  /** A file of hosts, or so many equal ones. */
  readonly hosts: string | { readonly count: number; readonly cpu: number; readonly memMib: number };
  /** Share of the fleet's GPUs to ask for; null = the trace as it is. */
  readonly inflate: number | null;
  /** Name of a policy; empty = the default. */
  readonly policy: string;
  readonly seed: number;
  /** Without messages and ledger. */
  readonly direct: boolean;
  onProgress(events: number): void;
}

/** Replays a trace on a fleet of its own. Errors: COAX_USAGE for what is wrong in files or options. */
export async function runReplay(options: ReplayOptions): Promise<ReplayReport> {
  const { seed, direct, policy } = options;
  checkPolicy(policy);
  const hosts = await hostsOf(options);
  await using opened = new AsyncDisposableStack();
  const faults: unknown[] = [];
  const onFault = (fault: unknown): void => void faults.push(fault);
  const target = direct
    ? directTarget(hosts, policy)
    : await openReplaySystem(opened, { hosts, policy, random: seededRandom(seed), onFault });
  const trace = readEvents(options.events);
  const gpuMilli = hosts.reduce((sum, host) => sum + host.gpuCount * 1000, 0);
  // A choice of its own, so that both forms of a replay are asked the same.
  const events =
    options.inflate === null ? trace : inflate(trace, options.inflate, gpuMilli, seededRandom(seed));
  const report = await replay(events, hosts, target, options.onProgress);
  if (faults.length > 0) throw faults[0];
  if (report.requests > 0) return report;
  throw new CoaxError('COAX_USAGE', 'the trace creates no VM', {
    where: options.events,
    hint: 'Give a file with at least one row of op C.',
  });
}

async function hostsOf({ hosts }: ReplayOptions): Promise<TraceHost[]> {
  if (typeof hosts === 'string') return readHosts(hosts);
  return identicalHosts(hosts.count, hosts.cpu, hosts.memMib);
}
