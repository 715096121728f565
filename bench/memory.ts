import { inChild } from './child/in-child.ts';
import { openRig, settled, submitMany } from './rig.ts';
import { comparedRow, type Pair, type Row } from './row.ts';

const FULL = { flows: 40_000, rounds: 3 };
const QUICK = { flows: 200, rounds: 1 };

/** Peak memory of a process that does nothing but accept and work off the flows of the saturation run. */
export async function measureMemory(quick: boolean): Promise<Row[]> {
  const { flows, rounds } = quick ? QUICK : FULL;
  const pairs: Pair[] = [];
  for (let round = 0; round < rounds; round++)
    pairs.push(await inChild(import.meta.filename, peakOfFlows, flows));
  const name = `memory: peak of ${flows.toLocaleString('en')} flows at saturation`;
  return [comparedRow(name, 'MiB', 'the process before its first message', pairs)];
}

/** In MiB, as the kernel counts it (`ru_maxrss`). */
export async function peakOfFlows(flows: number): Promise<Pair> {
  const rig = openRig();
  try {
    const reference = peakMib();
    await submitMany(rig, rig.forward, flows);
    const end = settled(rig.store, flows);
    rig.startWorker();
    await end;
    return { value: peakMib(), reference };
  } finally {
    await rig.close();
  }
}

export function peakMib(): number {
  return process.resourceUsage().maxRSS / 1024;
}
