/** Three servers, three workers and the database, killed and stopped at random while clients work. */
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { Random } from '../simulation/random.ts';
import { Clients } from './clients.ts';
import { Installation, LEASE_MS, type Member } from './installation.ts';
import { judge } from './judge.ts';

// COAX_LONG=1: the long form; COAX_EVENTS and SEED choose another length and another history.
const events = Number(process.env.COAX_EVENTS ?? (process.env.COAX_LONG === '1' ? 150 : 10));
const seed = Number(process.env.SEED ?? 1);
const KINDS = ['pause worker', 'kill worker', 'crash database', 'kill server', 'pause server'] as const;

test(`keeps every promise through ${events} deaths and pauses of servers, workers and PostgreSQL (seed ${seed})`, async t => {
  const cluster = await makePostgresCluster();
  try {
    await using installation = await Installation.open(() => cluster.url(), cluster.url(), 3, 3);
    const random = new Random(seed);
    const clients = new Clients(installation, random);
    const running = clients.run(4, 300);
    for (let n = 0; n < events; n++)
      await happen(t, KINDS[n % KINDS.length] as (typeof KINDS)[number], installation, cluster, random);
    clients.stop();
    await running;
    await judge(t, installation, clients);
  } finally {
    await cluster.close();
  }
});

async function happen(
  t: TestContext,
  kind: (typeof KINDS)[number],
  { servers, workers }: Installation,
  cluster: PostgresCluster,
  random: Random,
): Promise<void> {
  await sleep(random.int(200, 1200));
  const member = random.pick(kind.endsWith('server') ? servers : workers);
  if (process.env.COAX_LONG !== '1')
    t.diagnostic(kind === 'crash database' ? kind : `${kind} ${member.name}`);
  if (kind === 'crash database') {
    await cluster.stop('immediate');
    await sleep(random.int(0, 500));
    await cluster.start();
  } else if (kind.startsWith('pause')) {
    await pause(member, LEASE_MS + random.int(500, 1500));
  } else {
    member.signal('SIGKILL');
  }
}

/** Longer than the lease: what it does when it wakes must not count. */
async function pause(member: Member, ms: number): Promise<void> {
  member.signal('SIGSTOP');
  await sleep(ms);
  member.signal('SIGCONT');
}
