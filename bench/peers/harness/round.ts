import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile } from '../../row.ts';
import type { Peer } from '../peers.ts';
import { type AdapterProcess, startAdapter } from './adapter-process.ts';
import { treeCpuSeconds } from './cpu.ts';
import type { Server } from './servers.ts';

/** What one round found. */
export interface Figures {
  readonly stepsPerSecond: number;
  readonly cpuPerThousandFlows: number;
  readonly idleP50Ms: number;
  readonly idleP99Ms: number;
}

const STEPS = 4;
const NO_SERVER: Server = { url: '', adminUrl: '', pid: 0, stop: async () => {} };

let endCurrent = async (): Promise<void> => {};

/** Ends what the round under way has started and removes its folder. */
export function endRound(): Promise<void> {
  return endCurrent();
}

/** One round of one system on new data: warm-up, saturation, check, one flow at a time. Leaves nothing behind. */
export async function round(peer: Peer, quick: boolean): Promise<Figures> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-peers-'));
  const adapters: AdapterProcess[] = [];
  let server = NO_SERVER;
  endCurrent = async () => {
    for (const adapter of adapters) adapter.kill();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    server = (await peer.server?.(dir)) ?? NO_SERVER;
    const { url, adminUrl } = server;
    const { processes } = peer;
    for (let process = 0; process < processes; process++)
      adapters.push(await startAdapter(peer.adapter, { url, adminUrl, dir, process, processes }));
    const flows = quick ? Math.ceil(peer.flows / 50) : peer.flows;
    const warmUp = Math.ceil(flows / 10);
    await saturate(adapters, warmUp);
    const cpu = (): number => treeCpuSeconds([server.pid, ...adapters.map(({ pid }) => pid)]);
    const before = cpu();
    const seconds = await saturate(adapters, flows);
    const cpuSeconds = cpu() - before;
    const [first] = adapters as [AdapterProcess];
    const complete = await first.ask('complete');
    if (complete !== warmUp + flows)
      throw new Error(`${peer.name}: its store has ${complete} complete flows of ${warmUp + flows}`);
    const times = await first.ask('idle', quick ? 10 : peer.idleFlows);
    for (const adapter of adapters) await adapter.ask('close');
    return {
      stepsPerSecond: (flows * STEPS) / seconds,
      cpuPerThousandFlows: cpuSeconds / (flows / 1000),
      idleP50Ms: quantile(times, 0.5),
      idleP99Ms: quantile(times, 0.99),
    };
  } finally {
    await endCurrent();
  }
}

/** Seconds from the moment when the first could begin until all were complete. */
async function saturate(adapters: readonly AdapterProcess[], flows: number): Promise<number> {
  await adapters[0]?.ask('submit', flows);
  const spans = await Promise.all(adapters.map(adapter => adapter.ask('work', flows)));
  await adapters[0]?.ask('settle');
  for (const adapter of adapters) await adapter.ask('rest');
  const began = Math.min(...spans.map(span => span.began));
  return (Math.max(...spans.map(span => span.ended)) - began) / 1000;
}
