import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReplayOptions, runReplay } from '../../src/cli/compose/run-replay.ts';
import { readEvents } from '../../src/replay/trace/read-events.ts';
import { generateHosts, generateTrace } from '../../test/replay/generate-trace.ts';
import { comparedRow, plainRow, type Row } from '../row.ts';

interface Shape {
  readonly cpu: number;
  readonly memMib: number;
}

/** Goals of a trace of VMs on hosts of one shape. */
interface Wanted {
  readonly hosts: string;
  readonly mean: string;
  readonly count: number;
}

const FULL = { vms: 20_000, gpuHosts: 600 };
const QUICK = { vms: 400, gpuHosts: 30 };
const SHAPE = { cpu: 64, memMib: 262_144 };
const USUAL = { inflate: null, policy: '', seed: 1, direct: true, onProgress: () => {} };

/**
 * How tightly the default policy packs, on arrivals and lifetimes from a generator; with a folder of traces (`--traces`) on those too.
 * Replays are of placement alone, in virtual time: the same figures on every machine.
 */
export async function measurePacking(quick: boolean, traces: string | null): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-'));
  try {
    const { vms, gpuHosts } = quick ? QUICK : FULL;
    const events = join(dir, 'vms.csv');
    writeFileSync(events, generateTrace({ vms, seed: 1, everyS: 5, lifeS: 4000 }));
    const rows = await vmRows('generated VMs', events, SHAPE, null);
    const gpuEvents = join(dir, 'gpus.csv');
    writeFileSync(gpuEvents, generateTrace({ vms, seed: 2, everyS: 5, lifeS: 4000, gpus: 0.8 }));
    const nodes = join(dir, 'hosts.csv');
    writeFileSync(nodes, generateHosts(gpuHosts));
    rows.push(await gpuRow('generated GPU requests', gpuEvents, nodes, 1.3, null));
    if (traces !== null) rows.push(...(await recordedRows(traces)));
    return rows;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The traces that are given, with what is to be reached on them. */
async function recordedRows(folder: string): Promise<Row[]> {
  const vms = join(folder, 'huawei-a.events.csv.gz');
  const pods = join(folder, 'openb-a.events.csv.gz');
  const nodes = join(folder, 'openb-a.hosts.csv.gz');
  return [
    ...(await vmRows(
      'huawei-a',
      vms,
      { cpu: 64, memMib: 131_072 },
      { hosts: 'value <= 64', mean: 'value <= 39.14', count: 64 },
    )),
    ...(await vmRows(
      'huawei-a',
      vms,
      { cpu: 96, memMib: 196_608 },
      { hosts: 'value <= 43', mean: 'value <= 28.53', count: 43 },
    )),
    await gpuRow('openb-a', pods, nodes, 1, 'value >= 94'),
    await gpuRow('openb-a', pods, nodes, 1.3, 'value >= 94.6'),
  ];
}

async function vmRows(name: string, events: string, shape: Shape, wanted: Wanted | null): Promise<Row[]> {
  const of = `packing, ${name} on hosts of ${shape.cpu} CPUs and ${shape.memMib / 1024} GiB`;
  const bound = await boundOf(events, shape);
  let count = bound.hosts;
  let report = await replayed(events, shape, count);
  while (report.rejected > 0) {
    count += 1;
    report = await replayed(events, shape, count);
  }
  const mean = wanted === null ? report : await replayed(events, shape, wanted.count);
  return [
    comparedRow(
      `${of}: hosts needed`,
      'hosts',
      'no fewer can do',
      [{ value: count, reference: bound.hosts }],
      wanted?.hosts,
    ),
    comparedRow(
      `${of}: mean of hosts in use`,
      'hosts',
      'no fewer can do, if VMs could move',
      [{ value: mean.hostsInUseMean, reference: bound.mean }],
      wanted?.mean,
    ),
  ];
}

async function gpuRow(
  name: string,
  events: string,
  hosts: string,
  inflate: number,
  goal: string | null,
): Promise<Row> {
  const { gpusGiven, gpusTotal } = await runReplay({ ...USUAL, events, hosts, inflate });
  const row = `packing, ${name}: GPUs given out when ${Math.round(inflate * 100)} % are asked for`;
  return plainRow(row, (100 * gpusGiven) / gpusTotal, '%', goal);
}

const replayed = (events: string, shape: Shape, count: number) =>
  runReplay({ ...USUAL, events, hosts: { ...shape, count } } satisfies ReplayOptions);

/** Hosts that the VMs of a moment need at least: the larger of CPUs and memory, at the fullest moment and on average. */
async function boundOf(events: string, { cpu, memMib }: Shape): Promise<{ hosts: number; mean: number }> {
  const living = new Map<string, { cpuMilli: number; memMib: number }>();
  let used = { cpuMilli: 0, memMib: 0 };
  let most = 0;
  let first: number | null = null;
  let last = 0;
  let area = 0;
  const needed = (): number =>
    Math.max(Math.ceil(used.cpuMilli / (cpu * 1000)), Math.ceil(used.memMib / memMib));
  for await (const event of readEvents(events)) {
    first ??= last = event.atS;
    area += needed() * (event.atS - last);
    last = event.atS;
    const vm = event.op === 'C' ? event : living.get(event.vm);
    if (vm === undefined) continue;
    const sign = event.op === 'C' ? 1 : -1;
    used = { cpuMilli: used.cpuMilli + sign * vm.cpuMilli, memMib: used.memMib + sign * vm.memMib };
    if (event.op === 'C') living.set(event.vm, event);
    else living.delete(event.vm);
    most = Math.max(most, needed());
  }
  return { hosts: most, mean: area / Math.max(1, last - (first ?? 0)) };
}
