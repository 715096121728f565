import { floorFourTransactionsMs } from './floor.ts';
import { openRig, PARAMETERS, type Rig, settled } from './rig.ts';
import { comparedRow, inTurns, quantile, type Row } from './row.ts';

const FULL = { flows: 500, warmUp: 100, rounds: 3 };
const QUICK = { flows: 20, warmUp: 5, rounds: 1 };

/** One flow at a time: from the call that submits it until its last transition is durable and told. */
export async function measureIdle(quick: boolean): Promise<Row[]> {
  const { flows, warmUp, rounds } = quick ? QUICK : FULL;
  const rig = openRig();
  try {
    rig.startWorker();
    await flowTimesMs(rig, warmUp);
    floorFourTransactionsMs(warmUp);
    const pairs = await inTurns(
      rounds,
      () => flowTimesMs(rig, flows),
      () => floorFourTransactionsMs(flows),
    );
    const at = (part: number): { value: number; reference: number }[] =>
      pairs.map(({ value, reference }) => ({
        value: quantile(value, part),
        reference: quantile(reference, part),
      }));
    const reference = 'four bare durable transactions';
    return [
      comparedRow('idle: one flow of four steps, p50', 'ms', reference, at(0.5), 'ratio < 3'),
      comparedRow('idle: one flow of four steps, p99', 'ms', reference, at(0.99)),
    ];
  } finally {
    await rig.close();
  }
}

async function flowTimesMs({ store, forward }: Rig, flows: number): Promise<number[]> {
  const times: number[] = [];
  for (let made = 0; made < flows; made++) {
    const began = performance.now();
    const end = settled(store, 1);
    await store.submit([{ flow: 'create_vm', plan: forward, parameters: PARAMETERS, actor: 'bench' }]);
    await end;
    times.push(performance.now() - began);
  }
  return times;
}
