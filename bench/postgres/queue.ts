/** npm run bench:postgres -- queue [QUEUED | --quick]: a claim of 64 with so many messages queued (1,000,000), beside one with 1,000, in turns. */
import pg from 'pg';
import { makePostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { openPostgresRig } from '../postgres.ts';
import { submitMany } from '../rig.ts';
import { median, quantile } from '../row.ts';
import { wholeNumber } from './whole-number.ts';

const FEW = 1000;
const LIMIT = 64;
const CLAIMS = 400;

export interface ClaimTimes {
  readonly queued: number;
  /** Median of a claim, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Each claimed message is given back at once, so that the queue stays as long as it is. */
export async function claimTimes(sizes: readonly number[], claims = CLAIMS): Promise<ClaimTimes[]> {
  const cluster = await makePostgresCluster();
  await using opened = new AsyncDisposableStack();
  opened.defer(() => cluster.close());
  const sides = [];
  for (const queued of sizes) {
    const rig = await openPostgresRig(cluster);
    opened.defer(() => rig.close());
    await submitMany(rig, rig.forward, queued, 2000);
    const client = new pg.Client({ connectionString: rig.url });
    await client.connect();
    await client.query('ANALYZE');
    await client.end();
    sides.push({ queued, store: rig.store, times: [] as number[] });
  }
  for (let n = 0; n < claims; n++) {
    for (const { store, times } of sides) {
      const began = performance.now();
      const got = await store.claim({
        worker: 'bench',
        addresses: ['resource'],
        limit: LIMIT,
        leaseMs: 60_000,
      });
      times.push(performance.now() - began);
      if (got.length !== LIMIT) throw new Error(`claimed ${got.length} of ${LIMIT}`);
      await store.release(got, false);
    }
  }
  return sides.map(({ queued, times }) => {
    const warm = times.slice(claims / 10);
    return { queued, p50Ms: median(warm), p99Ms: quantile(warm, 0.99) };
  });
}

if (import.meta.main) {
  const given = process.argv[2] === '--quick' ? '20000' : process.argv[2];
  const queued = wholeNumber('queue: messages', given, 1_000_000);
  const [few, many] = await claimTimes([FEW, queued]);
  if (few === undefined || many === undefined) throw new Error('two sides');
  console.log('| queued | a claim of 64, p50 | p99 |\n| --- | --- | --- |');
  for (const { queued, p50Ms, p99Ms } of [few, many])
    console.log(`| ${queued.toLocaleString('en')} | ${p50Ms.toFixed(2)} ms | ${p99Ms.toFixed(2)} ms |`);
  console.log(`\nratio of the medians: ${(many.p50Ms / few.p50Ms).toFixed(2)}`);
}
