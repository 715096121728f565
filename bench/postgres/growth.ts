/**
 * npm run bench:postgres -- growth [MILLIONS | --quick]: so many million transitions of four-step flows on PostgreSQL as it comes, a few thousand messages in the
 * queue all the time, nothing archived. Prints after each million what the tables and indexes take: the queue's must not grow.
 */
import pg from 'pg';
import { makePostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { openPostgresRig } from '../postgres.ts';
import { submitMany } from '../rig.ts';
import { wholeNumber } from './whole-number.ts';

const QUEUED = 4000;
const BATCH = 500;
const TRANSITIONS_PER_FLOW = 4;

export interface Growth {
  readonly transitions: number;
  /** Bytes of the indexes that claims, wake-ups and people's lists read. */
  readonly queueIndexes: number;
  /** Bytes of `messages`, its key included, for each message. */
  readonly perMessage: number;
  /** Bytes of the ledger, its three indexes included, for each commit. */
  readonly perCommit: number;
  readonly deadRows: number;
}

const SIZES = `SELECT
    (pg_relation_size('messages_queue') + pg_relation_size('messages_held') + pg_relation_size('messages_resting'))::float8
      AS queue,
    (pg_table_size('messages') + pg_relation_size('messages_pkey'))::float8 AS messages,
    (SELECT sum(pg_total_relation_size(relid))::float8 FROM pg_partition_tree('commits')) AS commits,
    (SELECT n_dead_tup::float8 FROM pg_stat_user_tables WHERE relname = 'messages') AS dead`;

export interface GrowthOptions {
  /** Vacuum before each measuring, as autovacuum does once a minute. */
  readonly vacuum?: boolean;
  told?(growth: Growth): void;
}

/** Measures after each `every` transitions, `times` times. */
export async function growth(
  every: number,
  times: number,
  { vacuum = false, told = () => {} }: GrowthOptions = {},
): Promise<Growth[]> {
  const cluster = await makePostgresCluster();
  try {
    const rig = await openPostgresRig(cluster);
    const client = new pg.Client({ connectionString: rig.url });
    await client.connect();
    try {
      let [submitted, done] = [0, 0];
      let wake = (): void => {};
      const end = rig.store.onCommit(events => {
        for (const { message } of events) if (message.phase === 'done') done++;
        wake();
      });
      rig.startWorker();
      const measured: Growth[] = [];
      for (let time = 1; time <= times; time++) {
        const flows = (time * every) / TRANSITIONS_PER_FLOW;
        while (done < flows) {
          if (submitted < flows + QUEUED && submitted - done < QUEUED) {
            await submitMany(rig, rig.forward, BATCH, BATCH);
            submitted += BATCH;
          } else {
            await new Promise<void>(resolve => {
              wake = resolve;
            });
          }
        }
        if (vacuum) await client.query('VACUUM messages');
        const { rows } = await client.query(SIZES);
        const [sizes] = rows as { queue: number; messages: number; commits: number; dead: number }[];
        if (sizes === undefined) throw new Error('no sizes');
        measured.push({
          transitions: done * TRANSITIONS_PER_FLOW,
          queueIndexes: sizes.queue,
          perMessage: sizes.messages / submitted,
          perCommit: sizes.commits / (submitted + done * TRANSITIONS_PER_FLOW),
          deadRows: sizes.dead,
        });
        told(measured.at(-1) as Growth);
      }
      end();
      return measured;
    } finally {
      await client.end();
      await rig.close();
    }
  } finally {
    await cluster.close();
  }
}

if (import.meta.main) {
  const quick = process.argv[2] === '--quick';
  const times = quick ? 3 : wholeNumber('growth: millions of transitions', process.argv[2], 5);
  console.log(
    '| transitions | indexes of the queue | a message | a commit | dead rows |\n| --- | --- | --- | --- | --- |',
  );
  await growth(quick ? 20_000 : 1_000_000, times, {
    told: at =>
      console.log(
        `| ${at.transitions.toLocaleString('en')} | ${(at.queueIndexes / 1024).toFixed(0)} KiB | ${at.perMessage.toFixed(0)} B | ${at.perCommit.toFixed(0)} B | ${at.deadRows} |`,
      ),
  });
}
