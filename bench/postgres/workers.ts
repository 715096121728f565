/**
 * npm run bench:postgres -- workers [FLOWS] [ROUNDS], or --quick: four-step flows that are all there, worked off by one worker process and by four, in
 * turns, on one PostgreSQL. With URL alone it is one of those workers.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { SERVER_FLAGS } from '../child/server-flags.ts';
import { openPostgresRig } from '../postgres.ts';
import { rigOn, settled, submitMany } from '../rig.ts';
import { wholeNumber } from './whole-number.ts';

/** Transitions a second with so many worker processes; their start is not counted. */
export async function workersPerSecond(
  cluster: PostgresCluster,
  processes: number,
  flows: number,
): Promise<number> {
  const rig = await openPostgresRig(cluster);
  const children = Array.from({ length: processes }, () =>
    spawn(process.execPath, [...SERVER_FLAGS, import.meta.filename, rig.url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  try {
    await submitMany(rig, rig.forward, flows);
    await Promise.all(children.map(child => once(createInterface({ input: child.stdout }), 'line')));
    const end = settled(rig.store, flows);
    const began = performance.now();
    for (const child of children) child.stdin.write('go\n');
    await end;
    return (flows * 4) / ((performance.now() - began) / 1000);
  } finally {
    await Promise.all(
      children.map(async child => {
        const over = child.exitCode === null ? once(child, 'exit') : null;
        child.stdin.end();
        await over;
      }),
    );
    await rig.close();
  }
}

/** Ready, then works from the first line on standard input until that ends. */
async function work(url: string): Promise<void> {
  const rig = rigOn(await openPostgres({ url }), '', () => {});
  console.log('ready');
  for await (const _go of createInterface({ input: process.stdin })) rig.startWorker(`bench-${process.pid}`);
  await rig.close();
}

async function measure(flows: number, rounds: number): Promise<void> {
  const cluster = await makePostgresCluster();
  try {
    await workersPerSecond(cluster, 1, 1000);
    console.log('| one process | four processes | ratio |\n| --- | --- | --- |');
    for (let round = 0; round < rounds; round++) {
      const one = await workersPerSecond(cluster, 1, flows);
      const four = await workersPerSecond(cluster, 4, flows);
      const shown = [one, four].map(rate => Math.round(rate).toLocaleString('en'));
      console.log(`| ${shown.join(' | ')} | ${(four / one).toFixed(2)} |`);
    }
  } finally {
    await cluster.close();
  }
}

if (import.meta.main) {
  const [first, second] = process.argv.slice(2);
  if (first?.includes('://')) await work(first);
  else if (first === '--quick') await measure(1000, 1);
  else await measure(wholeNumber('workers: flows', first, 20_000), wholeNumber('workers: rounds', second, 3));
}
