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

/** Nothing is answered that the standby of that name does not have. */
const follow = (cluster: PostgresCluster, standby: string) =>
  sql(cluster, `ALTER SYSTEM SET synchronous_standby_names = '${standby}'`, 'SELECT pg_reload_conf()');

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
    const waiting = `FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;
    await until(
      'its transaction waits for the standby',
      async () => (await sql(primary, `SELECT 1 ${waiting}`))[0],
    );
    await sql(primary, `SELECT pg_terminate_backend(pid) ${waiting}`);
    await until('the message can be read', async () => (await store.messages({ limit: 9 })).length === 2);
    await until(
      'the answer waits for the standby again',
      async () => (await sql(primary, `SELECT 1 ${waiting}`))[0],
    );
    assert.equal(told, false);
    await follow(primary, '');
    await answer;
    assert.equal((await store.messages({ limit: 9 })).length, 2, 'it was not sent twice');
  } finally {
    await follow(primary, '').catch(() => {});
    await store.close();
    await primary.close();
  }
});
