import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePostgresCluster, type PostgresCluster } from '../../../src/testing/postgres-cluster.ts';
import { median, plainRow, type Row } from '../../row.ts';
import { peerRow } from '../report/peer-row.ts';
import { withClosing } from '../with-closing.ts';
import { checkLoops } from './claim-loop.ts';
import { type CloudRig, checkClaims, doneAtLeast, openCloudRig, submitVms } from './cloud-rig.ts';
import { startSchedulers } from './schedulers.ts';

const FULL = { hosts: 10_000, messages: 20_000, each: 10_000, batch: 256, rounds: 3, schedulers: 4 };
const QUICK = { hosts: 20, messages: 100, each: 100, batch: 16, rounds: 1, schedulers: 2 };

/**
 * Messages of one step, `resource select_host`, done by several scheduler processes on one PostgreSQL: accepted, claimed, hosts chosen,
 * room claimed, and the commit written. After each round the books are checked.
 */
export async function measurePostgresClaims(
  quick: boolean,
  placementPerSecond: number | null,
): Promise<Row[]> {
  const { hosts, messages, rounds, schedulers } = quick ? QUICK : FULL;
  const one: number[] = [];
  const several: number[] = [];
  await withCluster(async cluster => {
    for (let round = 0; round < rounds; round++) {
      one.push(await claimsPerSecond(cluster, hosts, messages, 1));
      several.push(await claimsPerSecond(cluster, hosts, messages, schedulers));
    }
  });
  const name = (count: number): string =>
    `PostgreSQL, ${hosts.toLocaleString('en')} hosts: hosts chosen and claimed by messages, ${count} scheduler${count === 1 ? '' : 's'}`;
  return [
    plainRow(name(1), median(one), 'claims/s'),
    peerRow(name(schedulers), median(several), 'claims/s', placementPerSecond, null),
  ];
}

/** The choice in memory and the durable claim, without messages, by one scheduler process and by several. */
export async function measureDirectClaims(quick: boolean, placementPerSecond: number | null): Promise<Row[]> {
  const { hosts, each, batch, rounds, schedulers } = quick ? QUICK : FULL;
  const one: number[] = [];
  const several: number[] = [];
  let lost = 0;
  await withCluster(async cluster => {
    for (let round = 0; round < rounds; round++) {
      one.push((await directRate(cluster, hosts, { each, batch, count: 1 })).perSecond);
      const race = await directRate(cluster, hosts, { each, batch, count: schedulers });
      several.push(race.perSecond);
      lost += race.lost;
    }
  });
  const name = (count: number): string =>
    `PostgreSQL, ${hosts.toLocaleString('en')} hosts: hosts chosen and claimed, ${batch} in a transaction, ${count} scheduler${count === 1 ? '' : 's'}`;
  const part = (100 * lost) / (rounds * schedulers * each);
  return [
    plainRow(name(1), median(one), 'claims/s'),
    peerRow(name(schedulers), median(several), 'claims/s', placementPerSecond, 'ratio >= 1000'),
    plainRow(`${name(schedulers)}, by itself`, median(several), 'claims/s', 'value >= 10000'),
    plainRow(`${name(schedulers)}: lost to others`, part, '%', 'value <= 2'),
  ];
}

async function directRate(
  cluster: PostgresCluster,
  hosts: number,
  { each, batch, count }: { each: number; batch: number; count: number },
): Promise<{ perSecond: number; lost: number }> {
  return await withSharedRig(cluster, hosts, async (rig, url) => {
    const schedulers = await startSchedulers(url, count);
    try {
      const began = performance.now();
      const lost = await schedulers.claim(each, batch);
      const seconds = (performance.now() - began) / 1000;
      await checkLoops(rig.store, await rig.cloud.hosts(), count * each);
      return { perSecond: (count * each) / seconds, lost };
    } finally {
      await schedulers.close();
    }
  });
}

async function claimsPerSecond(
  cluster: PostgresCluster,
  hosts: number,
  messages: number,
  count: number,
): Promise<number> {
  return await withSharedRig(cluster, hosts, async (rig, url) => {
    const schedulers = await startSchedulers(url, count);
    try {
      await submitVms(rig, rig.claimHost, messages);
      const began = rig.store.now();
      schedulers.go();
      // When the last was done is read from the store.
      await doneAtLeast(rig.store, messages, 500);
      const seconds = ((await newestUpdate(rig)) - began) / 1000;
      await checkClaims(rig, messages);
      return messages / seconds;
    } finally {
      await schedulers.close();
    }
  });
}

/** When the last message was written, by the store's clock: this process hears of what others write up to a second later. */
async function newestUpdate(rig: CloudRig): Promise<number> {
  const newest = await rig.store.reader
    .selectFrom('messages')
    .select(({ fn }) => fn.max('updated').as('updated'))
    .executeTakeFirst();
  return Number(newest?.updated);
}

export async function withCluster<Value>(work: (cluster: PostgresCluster) => Promise<Value>): Promise<Value> {
  const cluster = await makePostgresCluster();
  return await withClosing(
    () => cluster.close(),
    () => work(cluster),
  );
}

/** A database of its own, whose hosts are written. */
export async function withSharedRig<Value>(
  cluster: PostgresCluster,
  hosts: number,
  work: (rig: CloudRig, url: string) => Promise<Value>,
): Promise<Value> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-'));
  const name = `bench${++databases}`;
  await cluster.createDatabase(name);
  const url = cluster.url(name);
  try {
    const rig = await openCloudRig({ url, dir, hosts });
    try {
      return await work(rig, url);
    } finally {
      await rig.close();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}
let databases = 0;
