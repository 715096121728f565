import { openRig, settled, submitMany } from './rig.ts';
import { comparedRow, inTurns, type Row } from './row.ts';

const FULL = { flows: 25_000, warmUp: 4_000, rounds: 3 };
const QUICK = { flows: 300, warmUp: 100, rounds: 1 };

/** Two steps done, the third fails, and all three are undone: six transitions, beside the four of a flow that is done. */
export async function measureRollback(quick: boolean): Promise<Row[]> {
  const { flows, warmUp, rounds } = quick ? QUICK : FULL;
  await transitionsPerSecond('backward', warmUp);
  await transitionsPerSecond('forward', warmUp);
  const pairs = await inTurns(
    rounds,
    () => transitionsPerSecond('backward', flows),
    () => transitionsPerSecond('forward', flows),
  );
  return [comparedRow('rollback: transitions', 'transitions/s', 'forward, same run', pairs, 'ratio >= 0.8')];
}

async function transitionsPerSecond(way: 'forward' | 'backward', flows: number): Promise<number> {
  const rig = openRig();
  try {
    await submitMany(rig, rig[way], flows);
    const end = settled(rig.store, flows);
    const began = performance.now();
    rig.startWorker();
    await end;
    const seconds = (performance.now() - began) / 1000;
    const { done, rolled_back } = await rig.store.counts();
    if ((way === 'forward' ? done : rolled_back) !== flows) throw new Error('some flows ended another way');
    return (flows * (way === 'forward' ? 4 : 6)) / seconds;
  } finally {
    await rig.close();
  }
}
