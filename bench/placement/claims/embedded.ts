import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { comparedRow, inTurns, median, type Pair, plainRow, type Row } from '../../row.ts';
import { checkLoops, claimLoop, readyScheduler } from './claim-loop.ts';
import { type CloudRig, checkClaims, oneByOne, openCloudRig, workOff } from './cloud-rig.ts';
import { floorClaimsPerSecond } from './floor.ts';

const FULL = {
  hosts: 10_000,
  claims: 100_000,
  alone: 5000,
  large: 100_000,
  held: 100_000,
  messages: 20_000,
  vms: 10_000,
  single: 1000,
  rounds: 3,
};
const QUICK = {
  hosts: 30,
  claims: 300,
  alone: 20,
  large: 100,
  held: 100,
  messages: 200,
  vms: 100,
  single: 10,
  rounds: 1,
};
/** Claims in one transaction of the floor: as many as the writer's groups come to. */
const GROUP = 256;

/** One process on SQLite: the choice in memory and the durable claim, without messages. */
export async function measureEmbeddedClaims(quick: boolean): Promise<Row[]> {
  const { hosts, claims, alone, rounds } = quick ? QUICK : FULL;
  const rows: Row[] = [];
  for (const [batch, count, goal] of [
    [GROUP, claims, 'value >= 20000'],
    [16, claims, null],
    [1, alone, 'value >= 3000'],
  ] as const) {
    const pairs = await inTurns(
      rounds,
      () => withRig(hosts, rig => loopRate(rig, count, batch)),
      () => floorClaimsPerSecond(hosts, count, batch),
    );
    const how = batch === 1 ? 'one by one' : `${batch} in a transaction`;
    const name = `SQLite, ${hosts.toLocaleString('en')} hosts: hosts chosen and claimed, ${how}`;
    rows.push(comparedRow(name, 'claims/s', `bare claims, ${how}`, pairs, goal));
  }
  return rows;
}

async function loopRate(rig: CloudRig, count: number, batch: number): Promise<number> {
  const scheduler = await readyScheduler(rig.store);
  const began = performance.now();
  await claimLoop(rig.store, scheduler, { first: 1, count, batch });
  const seconds = (performance.now() - began) / 1000;
  await checkLoops(rig.store, await rig.cloud.hosts(), count);
  return count / seconds;
}

/** How soon a scheduler knows a large fleet: it reads hosts and claims from the store. */
export async function measureRebuild(quick: boolean): Promise<Row[]> {
  const { large, held, rounds } = quick ? QUICK : FULL;
  return await withRig(large, async rig => {
    await claimLoop(rig.store, await readyScheduler(rig.store), { first: 1, count: held, batch: GROUP });
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      await readyScheduler(rig.store);
      seconds.push((performance.now() - began) / 1000);
    }
    const what = `${large.toLocaleString('en')} hosts and ${held.toLocaleString('en')} claims`;
    return [plainRow(`SQLite: a scheduler reads ${what} from the store`, median(seconds), 's')];
  });
}

/** One process on SQLite: claims through messages, all at once and one by one, and the whole VM. */
export async function measureEmbedded(quick: boolean): Promise<Row[]> {
  const { hosts, messages, vms, single, rounds } = quick ? QUICK : FULL;
  const on = `${hosts.toLocaleString('en')} hosts`;
  const batched = await inTurns(
    rounds,
    () => withRig(hosts, rig => rate(rig, rig.claimHost, messages)),
    () => floorClaimsPerSecond(hosts, messages, GROUP),
  );
  const alone = await inTurns(
    rounds,
    () => withRig(hosts, rig => rateOneByOne(rig, single)),
    () => floorClaimsPerSecond(hosts, single, 1),
  );
  const small = Math.max(10, hosts / 100);
  const whole = await inTurns(
    rounds,
    () => withRig(hosts, async rig => 60 * (await rate(rig, rig.createVm, vms))),
    () => withRig(small, async rig => 60 * (await rate(rig, rig.createVm, fitting(small, vms)))),
  );
  return [
    comparedRow(
      `SQLite, ${on}: hosts chosen and claimed by messages, all at once`,
      'claims/s',
      `bare claims, groups of ${GROUP}`,
      batched,
    ),
    comparedRow(
      `SQLite, ${on}: hosts chosen and claimed by messages, one by one`,
      'claims/s',
      'bare claims one by one',
      alone,
    ),
    comparedRow(
      `SQLite, ${on}: VMs created by whole messages, every transition durable`,
      'VMs/min',
      `with ${small.toLocaleString('en')} hosts`,
      whole as Pair[],
      'value >= 6000',
    ),
    plainRow('the same: transitions', (median(whole.map(({ value }) => value)) / 60) * 4, 'transitions/s'),
  ];
}

/** So many VMs fit on so few hosts. */
const fitting = (hosts: number, vms: number): number => Math.min(vms, hosts * 30);

async function rate(rig: CloudRig, plan: CloudRig['createVm'], messages: number): Promise<number> {
  const seconds = await workOff(rig, plan, messages);
  await checkClaims(rig, messages);
  return messages / seconds;
}

async function rateOneByOne(rig: CloudRig, messages: number): Promise<number> {
  rig.startWorker();
  const times = await oneByOne(rig, rig.claimHost, messages);
  await checkClaims(rig, messages);
  return messages / (times.reduce((sum, ms) => sum + ms, 0) / 1000);
}

async function withRig<Value>(hosts: number, work: (rig: CloudRig) => Promise<Value>): Promise<Value> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-'));
  try {
    const rig = await openCloudRig({ dir, hosts });
    try {
      return await work(rig);
    } finally {
      await rig.close();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}
