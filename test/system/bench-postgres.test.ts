import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimTimes } from '../../bench/postgres/queue.ts';
import { workersPerSecond } from '../../bench/postgres/workers.ts';
import { makePostgresCluster } from '../../src/testing/postgres-cluster.ts';

test('worker processes of the benchmark do all the work between them, and end', async () => {
  const cluster = await makePostgresCluster();
  try {
    assert.ok((await workersPerSecond(cluster, 2, 300)) > 0);
  } finally {
    await cluster.close();
  }
});

test('claims are timed beside a short queue and a long one', async () => {
  const times = await claimTimes([100, 400], 20);
  assert.deepEqual(
    times.map(({ queued }) => queued),
    [100, 400],
  );
  for (const { p50Ms, p99Ms } of times) assert.ok(p50Ms > 0 && p99Ms >= p50Ms);
});
