import { floorTransitionsPerSecond } from './floor.ts';
import { caughtUp, openRig, settled, submitMany } from './rig.ts';
import { comparedRow, inTurns, median, plainRow, type Row } from './row.ts';

// More rounds than elsewhere: what other load does to one of them is as much as what is asked for here.
const FULL = { flows: 40_000, warmUp: 5_000, rounds: 7 };
const QUICK = { flows: 400, warmUp: 100, rounds: 1 };
const FLOOR = 'bare loop of the same rows, groups of 128';
/** As many as the worker has under way: what the engine's own groups can come to. */
const LARGE_GROUP = 512;

interface Cost {
  readonly transitionsPerSecond: number;
  readonly cpuPerThousandFlows: number;
}

/** All the messages are there before the worker starts, as the floor's rows are before its loop. */
export async function measureSaturation(quick: boolean): Promise<Row[]> {
  const { flows, warmUp, rounds } = quick ? QUICK : FULL;
  await saturate(warmUp);
  floor(warmUp);
  const pairs = await inTurns(
    rounds,
    () => saturate(flows),
    () => floor(flows),
  );
  const compare = (of: keyof Cost): { value: number; reference: number }[] =>
    pairs.map(({ value, reference }) => ({ value: value[of], reference: reference[of] }));
  return [
    comparedRow(
      'saturation: transitions',
      'transitions/s',
      FLOOR,
      compare('transitionsPerSecond'),
      'ratio >= 0.5',
    ),
    comparedRow(
      'saturation: transitions, beside larger groups',
      'transitions/s',
      `the bare loop, groups of ${LARGE_GROUP}`,
      pairs.map(({ value, reference }) => ({
        value: value.transitionsPerSecond,
        reference: reference.largeGroupsPerSecond,
      })),
    ),
    comparedRow(
      'saturation: CPU for 1,000 flows',
      's',
      'the bare loop and its preparation',
      compare('cpuPerThousandFlows'),
    ),
    plainRow(
      'saturation: messages accepted, batches of 1,000',
      median(pairs.map(({ value }) => value.acceptedPerSecond)),
      'messages/s',
    ),
  ];
}

async function saturate(flows: number): Promise<Cost & { acceptedPerSecond: number }> {
  const rig = openRig();
  try {
    const cpu = process.cpuUsage();
    const acceptedSeconds = await seconds(() => submitMany(rig, rig.forward, flows));
    const workedSeconds = await seconds(() => {
      const end = settled(rig.store, flows);
      rig.startWorker();
      return end;
    });
    // Work that is put off is work too: the index of commit ids is filled behind the writers.
    await caughtUp(rig.store);
    return {
      acceptedPerSecond: flows / acceptedSeconds,
      transitionsPerSecond: (flows * 4) / workedSeconds,
      cpuPerThousandFlows: cpuSecondsSince(cpu) / (flows / 1000),
    };
  } finally {
    await rig.close();
  }
}

function floor(flows: number): Cost & { largeGroupsPerSecond: number } {
  const cpu = process.cpuUsage();
  const transitionsPerSecond = floorTransitionsPerSecond(flows);
  const cpuPerThousandFlows = cpuSecondsSince(cpu) / (flows / 1000);
  return {
    transitionsPerSecond,
    cpuPerThousandFlows,
    largeGroupsPerSecond: floorTransitionsPerSecond(flows, LARGE_GROUP),
  };
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** All threads of this process: the collector's and the compiler's too. */
function cpuSecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
