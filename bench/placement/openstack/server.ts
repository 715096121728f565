import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { exec, findProgram } from '../../../src/linux/process/exec.ts';
import { freePort } from '../../../src/testing/free-port.ts';
import { makePostgresCluster, type PostgresCluster } from '../../../src/testing/postgres-cluster.ts';

/** As many as Coax has schedulers in these measures. */
const PROCESSES = 4;
const START_LIMIT_MS = 60_000;
const WSGI = '/usr/bin/placement-api';
const PLUGIN = '/usr/lib/uwsgi/plugins/python3_plugin.so';

/** OpenStack's Placement as Debian packages it, on a PostgreSQL of its own. */
export interface PlacementService {
  readonly url: string;
  /** As the package manager names it. */
  readonly version: string;
  /** Hosts that are all alike, put straight into its tables: by its API ten thousand take minutes. */
  seed(hosts: number, each: HostSize): Promise<void>;
  /** What is claimed of each host, and how many claims there are in all. */
  used(): Promise<{ overcommitted: number; consumers: number }>;
  close(): Promise<void>;
}

export interface HostSize {
  readonly cpus: number;
  readonly memMib: number;
  readonly diskGib: number;
}

/** Whether everything that it needs is installed. */
export function placementInstalled(): boolean {
  return existsSync(WSGI) && existsSync(PLUGIN) && findProgram('uwsgi') !== null;
}

/** Starts it in a folder of its own; there is no Keystone: whoever calls is the administrator. */
export async function startPlacement(): Promise<PlacementService> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-placement-'));
  const cluster = await makePostgresCluster();
  let server: ChildProcess | undefined;
  const close = async (): Promise<void> => {
    if (server) await end(server);
    await cluster.close();
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await cluster.createDatabase('placement');
    const config = configure(dir, cluster);
    await synced(config);
    const port = await freePort();
    server = serve(dir, config, port);
    const url = `http://127.0.0.1:${port}`;
    await answers(url, server, join(dir, 'uwsgi.log'));
    const database = cluster.url('placement');
    const version = await packageVersion();
    return {
      url,
      version,
      seed: (hosts, each) => onDatabase(database, client => seed(client, hosts, each)),
      used: () => onDatabase(database, used),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Its settings as they come, but for the database, the log and who may call. Returns the folder of the configuration. */
function configure(dir: string, cluster: PostgresCluster): string {
  const config = join(dir, 'config');
  mkdirSync(config);
  const connection = cluster.url('placement').replace(/^postgres:/, 'postgresql+psycopg2:');
  const lines = [
    ...['[DEFAULT]', 'debug = false', 'use_stderr = true', 'default_log_levels = placement=ERROR'],
    ...['[api]', 'auth_strategy = noauth2'],
    ...['[placement_database]', `connection = ${connection}`],
  ];
  writeFileSync(join(config, 'placement.conf'), `${lines.join('\n')}\n`);
  return config;
}

async function synced(config: string): Promise<void> {
  const words = ['--config-file', join(config, 'placement.conf'), 'db', 'sync'];
  const end = await exec('/usr/bin/placement-manage', words, { timeoutMs: START_LIMIT_MS });
  if (end.code !== 0) throw new Error(`placement-manage db sync ended with ${end.code}: ${end.stderr}`);
}

function serve(dir: string, config: string, port: number): ChildProcess {
  const log = openSync(join(dir, 'uwsgi.log'), 'w');
  return spawn(
    'uwsgi',
    [
      ...['--plugins', 'python3', '--http-socket', `127.0.0.1:${port}`, '--wsgi-file', WSGI],
      ...['--master', '--die-on-term', '--lazy-apps', '--enable-threads', '--thunder-lock'],
      ...['--processes', String(PROCESSES), '--threads', '1', '--buffer-size', '65535', '--listen', '100'],
      ...['--disable-logging', '--chdir', dir],
    ],
    {
      stdio: ['ignore', log, log],
      env: { PATH: '/usr/bin:/bin', HOME: dir, LC_ALL: 'C.UTF-8', OS_PLACEMENT_CONFIG_DIR: config },
    },
  );
}

/** All processes have loaded the application when as many requests at once have been answered. */
async function answers(url: string, server: ChildProcess, log: string): Promise<void> {
  const until = performance.now() + START_LIMIT_MS;
  let ended = false;
  server.once('error', () => (ended = true)).once('exit', () => (ended = true));
  for (;;) {
    const all = Array.from({ length: 4 * PROCESSES }, () => fetch(`${url}/`).then(answer => answer.ok));
    if ((await Promise.all(all).catch(() => [false])).every(Boolean)) return;
    if (ended || performance.now() > until) throw new Error(`OpenStack Placement did not start: see ${log}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

async function packageVersion(): Promise<string> {
  const end = await exec('dpkg-query', ['-W', '-f', '$' + '{Version}', 'placement-api']);
  return end.stdout.trim();
}

async function onDatabase<Value>(url: string, work: (client: pg.Client) => Promise<Value>): Promise<Value> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function seed(client: pg.Client, hosts: number, each: HostSize): Promise<void> {
  await client.query(
    'TRUNCATE resource_providers, inventories, allocations, consumers RESTART IDENTITY CASCADE',
  );
  await client.query(
    `INSERT INTO resource_providers (id, uuid, name, generation, root_provider_id)
     SELECT n, gen_random_uuid()::text, 'host-' || n, 0, n FROM generate_series(1, $1::integer) n`,
    [hosts],
  );
  await client.query(
    `INSERT INTO inventories
       (resource_provider_id, resource_class_id, total, reserved, min_unit, max_unit, step_size, allocation_ratio)
     SELECT n, c.id, v.total, 0, 1, v.total, 1, 1
     FROM generate_series(1, $1::integer) n, resource_classes c
     JOIN (VALUES ('VCPU', $2::integer), ('MEMORY_MB', $3::integer), ('DISK_GB', $4::integer)) v (name, total)
       ON v.name = c.name`,
    [hosts, each.cpus, each.memMib, each.diskGib],
  );
  await client.query('ANALYZE');
}

async function used(client: pg.Client): Promise<{ overcommitted: number; consumers: number }> {
  const over = await client.query<{ count: string }>(
    `SELECT count(*) FROM (
       SELECT 1 FROM allocations a JOIN inventories i USING (resource_provider_id, resource_class_id)
       GROUP BY resource_provider_id, resource_class_id, i.total HAVING sum(a.used) > i.total
     ) o`,
  );
  const all = await client.query<{ count: string }>('SELECT count(DISTINCT consumer_id) FROM allocations');
  return { overcommitted: Number(over.rows[0]?.count), consumers: Number(all.rows[0]?.count) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const over = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await over;
  clearTimeout(limit);
}
