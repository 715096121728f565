import type { Kysely } from 'kysely';
import type { Tx } from './tx.ts';

/**
 * Who is there, over all processes that share the store. Nobody waits for the disk here: a crash may forget these rows, and
 * the next beat writes them again. `process` is the name that the process holds (see Store.holdName); `served` outlives
 * the workers, so that one can say since when nobody serves an address.
 */
export const workersSchema: readonly { readonly id: string; readonly sql: readonly string[] }[] = [
  {
    id: 'workers-0001',
    sql: [
      `CREATE TABLE workers (
        name text PRIMARY KEY,
        process text NOT NULL,
        about text NOT NULL,
        steps bigint NOT NULL,
        since bigint NOT NULL,
        seen bigint NOT NULL)`,
      `CREATE TABLE served (address text PRIMARY KEY, worker text NOT NULL, seen bigint NOT NULL)`,
    ],
  },
];

/** What a process is: API and steps, API alone, steps alone, or steps over HTTP. */
export type Role = 'all' | 'server' | 'worker' | 'http';

/** What a worker tells of itself. */
export interface WorkerAbout {
  readonly role: Role;
  readonly host: string | null;
  readonly pid: number | null;
  readonly version: string | null;
  readonly addresses: readonly string[];
  /** Module, action, SHA-256 (hex) of its code. */
  readonly modules: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** It takes no more messages. */
  readonly draining: boolean;
  /** Of one over HTTP: it holds a session with the server that tells of it, so its death is seen. */
  readonly session?: boolean;
}

/** A worker as its process knows it now. */
export interface WorkerNow {
  readonly name: string;
  readonly about: WorkerAbout;
  /** Steps under way. */
  readonly steps: number;
  readonly since: number;
}

export interface WorkerRecord extends WorkerNow {
  /** The process that tells of it: its own, or the server that an HTTP worker speaks to. */
  readonly process: string;
  readonly seen: number;
}

interface WorkersTables {
  workers: { name: string; process: string; about: string; steps: number; since: number; seen: number };
  served: { address: string; worker: string; seen: number };
}

type Db = Tx['db'];
const tables = (db: Db): Kysely<WorkersTables> => db as Kysely<WorkersTables>;

/** Rows of one statement: each is six parameters. */
const ROWS_MAX = 1000;

/** Writes one process's workers as they are now; those of it that are gone, and others not heard of since `oldest`, go. */
export async function writeWorkers(
  db: Db,
  process: string,
  workers: readonly WorkerNow[],
  now: number,
  oldest: number,
): Promise<void> {
  // Always in the same order, so that two processes never wait for each other.
  const rows = inOrder(
    workers.map(({ name, about, steps, since }) => {
      return { name, process, about: JSON.stringify(about), steps, since, seen: now };
    }),
    ({ name }) => name,
  );
  for (let first = 0; first < rows.length; first += ROWS_MAX) {
    await tables(db)
      .insertInto('workers')
      .values(rows.slice(first, first + ROWS_MAX))
      .onConflict(conflict =>
        conflict
          .column('name')
          .doUpdateSet(({ ref }) => ({
            process: ref('excluded.process'),
            about: ref('excluded.about'),
            steps: ref('excluded.steps'),
            since: ref('excluded.since'),
            seen: ref('excluded.seen'),
          }))
          // Of two servers that know a worker, the one it came to last tells of it: the other may not know yet that it has gone.
          .where(row =>
            row.or([
              row('workers.since', '<=', row.ref('excluded.since')),
              row('workers.process', '=', row.ref('excluded.process')),
              row('workers.seen', '<', oldest),
            ]),
          ),
      )
      .execute();
  }
  const here = new Set(rows.map(({ name }) => name));
  const known = await tables(db).selectFrom('workers').select(['name', 'process', 'seen']).execute();
  const gone = known.filter(
    row => Number(row.seen) < oldest || (row.process === process && !here.has(row.name)),
  );
  for (let first = 0; first < gone.length; first += ROWS_MAX) {
    const names = gone.slice(first, first + ROWS_MAX).map(({ name }) => name);
    // Asked again: another process may have told of one of them meanwhile.
    await tables(db)
      .deleteFrom('workers')
      .where('name', 'in', names)
      .where(row => row.or([row('seen', '<', oldest), row('process', '=', process)]))
      .execute();
  }
  await writeServed(db, workers, now);
}

async function writeServed(db: Db, workers: readonly WorkerNow[], now: number): Promise<void> {
  const servers = new Map<string, string>();
  for (const { name, about } of workers) for (const address of about.addresses) servers.set(address, name);
  const rows = inOrder(
    [...servers].map(([address, worker]) => ({ address, worker, seen: now })),
    ({ address }) => address,
  );
  for (let first = 0; first < rows.length; first += ROWS_MAX) {
    await tables(db)
      .insertInto('served')
      .values(rows.slice(first, first + ROWS_MAX))
      .onConflict(conflict =>
        conflict.column('address').doUpdateSet(({ ref }) => ({
          worker: ref('excluded.worker'),
          seen: ref('excluded.seen'),
        })),
      )
      .execute();
  }
}

/** Each name once, the last of it, in order. */
function inOrder<Row>(rows: readonly Row[], nameOf: (row: Row) => string): Row[] {
  const byName = new Map(rows.map(row => [nameOf(row), row]));
  return [...byName.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Every process that tells of workers. */
export async function readProcesses(db: Db): Promise<string[]> {
  const rows = await tables(db).selectFrom('workers').select('process').distinct().execute();
  return rows.map(({ process }) => process);
}

/** Every worker of every process, by name. */
export async function readWorkers(db: Db): Promise<WorkerRecord[]> {
  const rows = await tables(db).selectFrom('workers').selectAll().orderBy('name').execute();
  return rows.map(({ name, process, about, steps, since, seen }) => ({
    name,
    process,
    about: JSON.parse(about) as WorkerAbout,
    steps: Number(steps),
    since: Number(since),
    seen: Number(seen),
  }));
}

/** Forgets the workers of a process that has ended. */
export async function forgetProcess(db: Db, process: string): Promise<void> {
  await tables(db).deleteFrom('workers').where('process', '=', process).execute();
}

/** Who served that address last, and when; null if nobody ever did. */
export async function lastSeen(db: Db, address: string): Promise<{ worker: string; seen: number } | null> {
  const row = await tables(db)
    .selectFrom('served')
    .select(['worker', 'seen'])
    .where('address', '=', address)
    .executeTakeFirst();
  return row === undefined ? null : { worker: row.worker, seen: Number(row.seen) };
}

/** When each of those addresses was served last, as far as anybody ever did. */
export async function lastServed(db: Db, addresses: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (let first = 0; first < addresses.length; first += ROWS_MAX) {
    const rows = await tables(db)
      .selectFrom('served')
      .select(['address', 'seen'])
      .where('address', 'in', addresses.slice(first, first + ROWS_MAX))
      .execute();
    for (const { address, seen } of rows) found.set(address, Number(seen));
  }
  return found;
}
