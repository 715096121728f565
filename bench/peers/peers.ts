import { type Server, startPostgres, startRedis, startRestate } from './harness/servers.ts';

/** A system that does the same work. */
export interface Peer {
  readonly name: string;
  /** As a table names it. */
  readonly title: string;
  /** File of this folder that drives it. */
  readonly adapter: string;
  readonly server?: (dir: string) => Promise<Server>;
  readonly processes: number;
  /** So many that a round takes 5 to 10 seconds on two cores. */
  readonly flows: number;
  readonly idleFlows: number;
  /** How it is set up, for the page. */
  readonly setUp: string;
  /** Where its time goes, for the page. */
  readonly reason: string;
}

const COAX: readonly Peer[] = [
  {
    name: 'coax-sqlite',
    title: 'Coax, SQLite',
    adapter: 'coax-sqlite.ts',
    processes: 1,
    flows: 80_000,
    idleFlows: 300,
    setUp: 'one process: store, channel, worker; `synchronous=FULL`',
    reason:
      'transitions of many messages are written in one transaction; a chain of hashed commits is kept of every step',
  },
  {
    name: 'coax-postgres',
    title: 'Coax, PostgreSQL',
    adapter: 'coax-postgres.ts',
    server: startPostgres,
    processes: 1,
    flows: 50_000,
    idleFlows: 300,
    setUp: 'the same process beside a PostgreSQL server',
    reason:
      'as before, in batches over several connections; each row goes through the protocol and the server’s own bookkeeping',
  },
];

const FLOOR: Peer = {
  name: 'floor-postgres',
  title: 'Floor of PostgreSQL',
  adapter: 'floor-postgres.ts',
  server: startPostgres,
  processes: 1,
  flows: 120_000,
  idleFlows: 300,
  setUp:
    'a bare loop that writes the rows of these flows, hashes included, by `pg`: batches of 256 over 4 connections; at idle four single transactions',
  reason: 'it knows nothing of plans, claims or steps; what is faster has written less',
};

const OTHERS: readonly Peer[] = [
  {
    name: 'bullmq-everysec',
    title: 'BullMQ, `everysec`',
    adapter: 'bullmq.mjs',
    server: dir => startRedis(dir, 'everysec'),
    processes: 1,
    flows: 60_000,
    idleFlows: 300,
    setUp:
      'Process Step Jobs, 300 jobs at once in one worker process, Redis with an append-only file written each second',
    reason:
      'a script in Redis for each step and one for each job’s end, in memory; the last second may be lost, nothing is kept of the steps, a late worker can still write',
  },
  {
    name: 'bullmq-always',
    title: 'BullMQ, `always`',
    adapter: 'bullmq.mjs',
    server: dir => startRedis(dir, 'always'),
    processes: 1,
    flows: 40_000,
    idleFlows: 300,
    setUp: 'the same, the file synced before each answer',
    reason: 'as before; Redis syncs once for all the commands that one turn of its loop has read',
  },
  {
    name: 'restate',
    title: 'Restate',
    adapter: 'restate.mjs',
    server: startRestate,
    processes: 2,
    flows: 5_000,
    idleFlows: 200,
    setUp:
      'stock single server, one process that serves the handler over HTTP/2, one that calls it, 400 calls at once',
    reason:
      'each step goes from the handler through HTTP/2 to the server, into its replicated log, from there into the partition’s store, and back',
  },
  {
    name: 'dbos',
    title: 'DBOS Transact',
    adapter: 'dbos.mjs',
    server: startPostgres,
    processes: 1,
    flows: 3_000,
    idleFlows: 100,
    setUp: 'PostgreSQL, a queue, 200 workflows at once in one process, pool of 20',
    reason: 'a transaction of its own for each step, and some for each workflow’s begin and end',
  },
  {
    name: 'graphile-worker',
    title: 'graphile-worker',
    adapter: 'graphile-worker.mjs',
    server: startPostgres,
    processes: 1,
    flows: 3_000,
    idleFlows: 100,
    setUp:
      'PostgreSQL, a chain of jobs, its page “Performance”: 24 jobs at once, pool of 25, local queue of 500, completions in batches',
    reason:
      'adding the next job is a transaction of its own for each step; fetching and completing are batched',
  },
  {
    name: 'taskflow-postgres',
    title: 'TaskFlow, PostgreSQL',
    adapter: 'taskflow.py',
    server: startPostgres,
    processes: 2,
    flows: 60,
    idleFlows: 20,
    setUp: 'serial engine, SQLAlchemy persistence, two processes',
    reason: 'several transactions for each change of a task’s state, each of which reads the flow again',
  },
  {
    name: 'taskflow-sqlite',
    title: 'TaskFlow, SQLite',
    adapter: 'taskflow.py',
    processes: 1,
    flows: 40,
    idleFlows: 20,
    setUp: 'the same on a file, one process: SQLite has one writer',
    reason: 'as before',
  },
];

export const PEERS: readonly Peer[] = [...COAX, FLOOR, ...OTHERS];
