import pg from 'pg';
import { commitId } from '../src/ledger/commit.ts';
import { openPostgres } from '../src/store/postgres/open-postgres.ts';
import type { PostgresStore } from '../src/store/postgres/postgres-store.ts';
import { makePostgresCluster, type PostgresCluster } from '../src/testing/postgres-cluster.ts';
import { PARAMETERS, type Rig, rigOn, settled, submitMany } from './rig.ts';
import { median } from './row.ts';

const BATCH = 256;
const CONNECTIONS = 4;
const CODE = 'c'.repeat(64);
const STEPS = ['resource select_host', 'network alloc_ip', 'compute create_vm', 'resource update_info'];
const SETS = ['{"host":"node-1"}', '{"ip":"10.0.0.11"}', '{"uuid":"6f1c0b9e"}', '{"state":"ready"}'];
const ADDRESSES = ['network', 'compute', 'resource', null];

/** A database of its own, with the engine's tables, settings as they come with PostgreSQL. */
let databases = 0;
async function freshDatabase(cluster: PostgresCluster): Promise<string> {
  const name = `bench${++databases}`;
  await cluster.createDatabase(name);
  return cluster.url(name);
}

const FLOOR_INSERT = `INSERT INTO messages (msgid, flow, plan, mode, cursor, attempt, phase, floor, base, trail, seq, head,
    address, ready_at, worker, lease_until, fence, begun, actor, created, updated)
  SELECT n, 'create_vm', $1, 'normal', 0, 0, 'open', 0, '{"cpu":2,"mem":4096}', '[]', 0, $1,
    'resource', 0, 'bench', 9000000000000, 1, 1, 'bench', 0, 0 FROM generate_series(1, $2::integer) n`;

const FLOOR_STEP = `WITH moved AS (
  UPDATE messages m SET cursor = i.seq, trail = i.trail, seq = i.seq, head = i.id, address = i.address, updated = $1::bigint,
    phase = CASE WHEN i.address IS NULL THEN 'done' ELSE phase END,
    lease_until = CASE WHEN i.address IS NULL THEN NULL ELSE lease_until END
  FROM unnest($2::bigint[], $3::integer[], $4::text[], $5::text[], $6::text[]) AS i (msgid, seq, trail, id, address)
  WHERE m.msgid = i.msgid AND m.fence = 1 AND m.seq = i.seq - 1
)
INSERT INTO commits (msgid, seq, prefix, origin, id, body)
SELECT * FROM unnest($2::bigint[], $3::integer[], $7::bigint[], $8::integer[], $5::text[], $9::text[])`;

function trailAfter(step: number): string {
  return `[${SETS.slice(0, step + 1)
    .map((set, index) => `{"step":${index},"set":${set}}`)
    .join(',')}]`;
}

/**
 * The floor of this machine: a bare loop that writes the rows of `flows` four-step flows to the same tables, in batches of
 * 256 over 4 connections, one statement each, and knows nothing of plans, claims or steps. Returns transitions per second.
 */
export async function floorTransitionsPerSecond(
  cluster: PostgresCluster,
  flows: number,
  size = BATCH,
  connections = CONNECTIONS,
): Promise<number> {
  const url = await freshDatabase(cluster);
  await (await openPostgres({ url })).close();
  const clients = Array.from({ length: connections }, () => new pg.Client({ connectionString: url }));
  await Promise.all(clients.map(client => client.connect()));
  try {
    await clients[0]?.query(FLOOR_INSERT, [CODE, flows]);
    const began = performance.now();
    let next = 1;
    await Promise.all(
      clients.map(async client => {
        for (let first = next; first <= flows; first = next) {
          next += size;
          await floorFlows(client, first, Math.min(first + size, flows + 1));
        }
      }),
    );
    return (flows * 4) / ((performance.now() - began) / 1000);
  } finally {
    await Promise.all(clients.map(client => client.end()));
  }
}

/** The four transitions of the messages from `first` up to `end`. */
async function floorFlows(client: pg.Client, first: number, end: number): Promise<void> {
  const msgids = Array.from({ length: end - first }, (_, index) => first + index);
  let heads: string[] = msgids.map(() => CODE);
  for (let step = 0; step < 4; step++) {
    const now = Date.now();
    const bodies = msgids.map(
      (msgid, index) =>
        `{"actor":"coax","attempt":1,"code":"${CODE}","cursor":${step},"finished":${now},"mode":"normal","msgid":${msgid},"outcome":"ok","parent":"${heads[index]}","seq":${step + 1},"set":${SETS[step]},"started":${now},"step":"${STEPS[step]}","worker":"bench"}`,
    );
    heads = bodies.map(commitId);
    await client.query({
      name: 'step',
      text: FLOOR_STEP,
      values: [
        now,
        msgids,
        msgids.map(() => step + 1),
        msgids.map(() => trailAfter(step)),
        heads,
        msgids.map(() => ADDRESSES[step]),
        heads.map(id => Number.parseInt(id.slice(0, 12), 16)),
        msgids.map(() => 1),
        bodies,
      ],
    });
  }
}

/** Milliseconds of so many rounds of four durable transactions, one transition each, one after the other. */
export async function floorFourTransactionsMs(cluster: PostgresCluster, rounds: number): Promise<number[]> {
  const url = await freshDatabase(cluster);
  await (await openPostgres({ url })).close();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(FLOOR_INSERT, [CODE, rounds]);
    const times: number[] = [];
    for (let msgid = 1; msgid <= rounds; msgid++) {
      const began = performance.now();
      await floorFlows(client, msgid, msgid + 1);
      times.push(performance.now() - began);
    }
    return times;
  } finally {
    await client.end();
  }
}

export async function openPostgresRig(
  cluster: PostgresCluster,
): Promise<Rig<PostgresStore> & { url: string }> {
  const url = await freshDatabase(cluster);
  const store = await openPostgres({ url });
  return { ...rigOn(store, '', () => {}), url };
}

export interface Saturation {
  readonly acceptedPerSecond: number;
  readonly transitionsPerSecond: number;
  /** Of this process alone. */
  readonly cpuPerThousandFlows: number;
}

/** Four-step flows that are all there before the worker starts. */
export async function saturatePostgres(cluster: PostgresCluster, flows: number): Promise<Saturation> {
  const rig = await openPostgresRig(cluster);
  try {
    const cpu = process.cpuUsage();
    const acceptedSeconds = await seconds(() => submitMany(rig, rig.forward, flows));
    const workedSeconds = await seconds(() => {
      const end = settled(rig.store, flows);
      rig.startWorker();
      return end;
    });
    const { user, system } = process.cpuUsage(cpu);
    return {
      acceptedPerSecond: flows / acceptedSeconds,
      transitionsPerSecond: (flows * 4) / workedSeconds,
      cpuPerThousandFlows: (user + system) / 1e6 / (flows / 1000),
    };
  } finally {
    await rig.close();
  }
}

/** Milliseconds from the submission of one flow at idle to its end, so many times. */
export async function idleFlowsMs(cluster: PostgresCluster, rounds: number): Promise<number[]> {
  const rig = await openPostgresRig(cluster);
  try {
    rig.startWorker();
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const began = performance.now();
      const end = settled(rig.store, 1);
      await rig.store.submit([
        { flow: 'create_vm', plan: rig.forward, parameters: PARAMETERS, actor: 'bench' },
      ]);
      await end;
      times.push(performance.now() - began);
    }
    return times;
  } finally {
    await rig.close();
  }
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** node bench/postgres.ts [FLOWS] [ROUNDS]: floor and engine in turns, and a flow at idle. */
if (import.meta.main) {
  const flows = Number(process.argv[2] ?? 20_000);
  const rounds = Number(process.argv[3] ?? 3);
  const cluster = await makePostgresCluster();
  try {
    await floorTransitionsPerSecond(cluster, 2000);
    await saturatePostgres(cluster, 2000);
    for (let round = 0; round < rounds; round++) {
      const floor = await floorTransitionsPerSecond(cluster, flows);
      const engine = await saturatePostgres(cluster, flows);
      console.log({ floor, ...engine, ratio: engine.transitionsPerSecond / floor });
    }
    console.log({
      idleFlowMs: median(await idleFlowsMs(cluster, 200)),
      floorFourTransactionsMs: median(await floorFourTransactionsMs(cluster, 200)),
    });
  } finally {
    await cluster.close();
  }
}
