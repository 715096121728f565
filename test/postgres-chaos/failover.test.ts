/** A primary and its synchronous standby: the primary dies under load, the standby takes over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import {
  makePostgresCluster,
  makePostgresStandby,
  type PostgresCluster,
} from '../../src/testing/postgres-cluster.ts';
import { submission } from '../../src/testing/store-conformance/fixture.ts';
import { Random } from '../simulation/random.ts';
import { until } from '../system/process-fixture.ts';
import { Clients } from './clients.ts';
import { Installation } from './installation.ts';
import { judge } from './judge.ts';

async function sql(
  cluster: PostgresCluster,
  ...texts: readonly string[]
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: cluster.url() });
  await client.connect();
  try {
    let rows: Record<string, unknown>[] = [];
    for (const text of texts) rows = (await client.query(text)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** What waits until a standby has what was committed. */
const WAITING = `FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;

const standbys = (cluster: PostgresCluster, names: string) =>
  sql(cluster, `ALTER SYSTEM SET synchronous_standby_names = '${names}'`, 'SELECT pg_reload_conf()');

/** From now on nothing is answered that the standby of that name does not have. */
async function follow(cluster: PostgresCluster, standby: string): Promise<void> {
  // Commits wait only once the checkpointer has read the settings: one is made to wait for a standby that there is not.
  await standbys(cluster, 'nobody');
  await until('commits wait for a standby', async () => {
    let ended = false;
    const commit = sql(cluster, `SELECT pg_logical_emit_message(true, 'test', '')`).then(() => {
      ended = true;
    });
    // It is told to wait no longer.
    const waits = async () => (await sql(cluster, `SELECT pg_cancel_backend(pid) ${WAITING}`))[0];
    const waited = await until('a commit ends, or waits', async () => ended || ((await waits()) && 'waited'));
    await commit;
    return waited === 'waited';
  });
  await standbys(cluster, standby);
}

test('the standby of a primary that died has every message that was acknowledged, and work goes on there', async t => {
  const primary = await makePostgresCluster();
  const standby = await makePostgresStandby(primary, 'second').catch(async error => {
    await primary.close();
    throw error;
  });
  try {
    await follow(primary, 'second');
    await until('the standby is synchronous', async () => {
      const [row] = await sql(primary, 'SELECT sync_state FROM pg_stat_replication');
      return row?.sync_state === 'sync';
    });
    const url = `postgres://coax@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres?target_session_attrs=read-write`;
    await using installation = await Installation.open(() => url, standby.url(), 2, 2);
    const clients = new Clients(installation, new Random(Number(process.env.SEED ?? 1)));
    const running = clients.run(4, 100);
    await until('there is load', () => clients.calls.length > 40);
    await primary.stop('immediate');
    const before = clients.calls.length;
    await sleep(500);
    const promoted = performance.now();
    await standby.promote();
    t.diagnostic(`the promotion took ${(performance.now() - promoted).toFixed(0)} ms`);
    await until('messages are accepted there', () => clients.calls.length > before + 40);
    clients.stop();
    await running;
    await judge(t, installation, clients);
    t.diagnostic(
      `the longest pause between two answers was ${clients.longestPauseMs} ms, 500 of them before the promotion was asked for`,
    );
  } finally {
    await Promise.all([standby.close(), primary.close()]);
  }
});

test('what the standby does not have is not told, although the primary shows it', async () => {
  const primary = await makePostgresCluster();
  const store = await openPostgres({ url: primary.url() });
  try {
    await store.submit([submission()]);
    await follow(primary, 'nobody');
    let told = false;
    const answer = store.submit([submission()]).then(() => {
      told = true;
    });
    await until(
      'its transaction waits for the standby',
      async () => (await sql(primary, `SELECT 1 ${WAITING}`))[0],
    );
    await sql(primary, `SELECT pg_terminate_backend(pid) ${WAITING}`);
    await until('the message can be read', async () => (await store.messages({ limit: 9 })).length === 2);
    await until(
      'the answer waits for the standby again',
      async () => (await sql(primary, `SELECT 1 ${WAITING}`))[0],
    );
    assert.equal(told, false);
    await standbys(primary, '');
    await answer;
    assert.equal((await store.messages({ limit: 9 })).length, 2, 'it was not sent twice');
  } finally {
    await standbys(primary, '').catch(() => {});
    await store.close();
    await primary.close();
  }
});
