import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inChild } from './child/in-child.ts';
import { peakMib } from './memory.ts';
import { openRig, type Rig, submitMany } from './rig.ts';
import { comparedRow, inTurns, median, type Row } from './row.ts';

const FULL = { long: 1_000_000, short: 1_000, claims: 200, flows: 40_000, rounds: 3 };
const QUICK = { long: 3_000, short: 1_000, claims: 10, flows: 200, rounds: 1 };
const CLAIM = 64;

/** The same work on a long queue and on a short one; neither gets shorter meanwhile. */
export async function measureQueue(quick: boolean): Promise<Row[]> {
  const { long, short, claims, flows, rounds } = quick ? QUICK : FULL;
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-'));
  const folders = { long: join(dir, 'long'), short: join(dir, 'short') };
  try {
    for (const which of ['long', 'short'] as const) {
      mkdirSync(folders[which]);
      await inChild(import.meta.filename, fillQueue, folders[which], which === 'long' ? long : short);
    }
    const costs = await claimCosts(folders, claims, rounds);
    const queued = (count: number): string => `with ${count.toLocaleString('en')} queued`;
    const row = (name: string, cost: keyof Costs, goal: string | null): Row => {
      const pairs = costs.map(({ value, reference }) => ({ value: value[cost], reference: reference[cost] }));
      return comparedRow(`queue: ${name} ${queued(long)}`, 'ms', queued(short), pairs, goal);
    };
    const peaks = await inTurns(
      rounds,
      () => inChild(import.meta.filename, workOff, folders.long, flows),
      () => inChild(import.meta.filename, workOff, folders.short, flows),
    );
    return [
      row(`claim of ${CLAIM}`, 'claimMs', 'ratio <= 1.5'),
      row('look for addresses that have work', 'lookMs', null),
      row('counts by status', 'countsMs', null),
      comparedRow(
        `queue: peak memory of ${flows.toLocaleString('en')} flows ${queued(long)}`,
        'MiB',
        queued(short),
        peaks,
        'ratio <= 1.1',
      ),
    ];
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Accepts so many messages in a store of its own. */
export async function fillQueue(folder: string, count: number): Promise<void> {
  const rig = openRig(folder);
  await submitMany(rig, rig.forward, count);
  await rig.close();
}

interface Costs {
  readonly claimMs: number;
  readonly lookMs: number;
  readonly countsMs: number;
}

async function claimCosts(
  folders: { long: string; short: string },
  claims: number,
  rounds: number,
): Promise<{ value: Costs; reference: Costs }[]> {
  const long = openRig(folders.long);
  const short = openRig(folders.short);
  try {
    const round = async (): Promise<{ value: Costs; reference: Costs }> => {
      const single = await inTurns(
        claims,
        () => claimOnce(long),
        () => claimOnce(short),
      );
      return {
        value: { claimMs: median(single.map(pair => pair.value)), ...(await looks(long)) },
        reference: { claimMs: median(single.map(pair => pair.reference)), ...(await looks(short)) },
      };
    };
    await round(); // warm-up
    const all: { value: Costs; reference: Costs }[] = [];
    for (let done = 0; done < rounds; done++) all.push(await round());
    return all;
  } finally {
    await long.close();
    await short.close();
  }
}

/** Milliseconds of a claim. What it took is made good behind it, so that every claim meets other rows, as in life. */
async function claimOnce(rig: Rig): Promise<number> {
  const wish = { worker: 'bench', addresses: ['resource'], limit: CLAIM, leaseMs: 3_600_000 };
  const began = performance.now();
  const claims = await rig.store.claim(wish);
  const ms = performance.now() - began;
  if (claims.length !== CLAIM) throw new Error(`${claims.length} messages were claimed`);
  await submitMany(rig, rig.forward, CLAIM);
  return ms;
}

async function looks({ store }: Rig): Promise<Omit<Costs, 'claimMs'>> {
  const time = async (look: () => Promise<unknown>): Promise<number> => {
    const times: number[] = [];
    for (let turn = 0; turn < 7; turn++) {
      const began = performance.now();
      await look();
      times.push(performance.now() - began);
    }
    return median(times);
  };
  return { lookMs: await time(() => store.readyAddresses()), countsMs: await time(() => store.counts()) };
}

/** Peak memory in MiB of a process that works so many flows off, while as many come in behind. */
export async function workOff(folder: string, flows: number): Promise<number> {
  const rig = openRig(folder);
  try {
    let left = flows;
    let owed = 0;
    const end = new Promise<void>((resolve, reject) => {
      rig.store.onCommit(events => {
        for (const { message } of events) {
          if (message.phase !== 'done') continue;
          left -= 1;
          owed += 1;
        }
        if (left <= 0) return resolve();
        if (owed < 500) return;
        submitMany(rig, rig.forward, owed).catch(reject);
        owed = 0;
      });
    });
    rig.startWorker();
    await end;
    return peakMib();
  } finally {
    await rig.close();
  }
}
