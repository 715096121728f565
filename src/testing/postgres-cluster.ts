import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec } from '../linux/process/exec.ts';
import { freePort } from './free-port.ts';

/** How the server ends: `fast` says goodbye to its clients; `immediate` is a crash, which it recovers from at the next start. */
export type StopMode = 'fast' | 'immediate';

/** For tests and benchmarks: a PostgreSQL server of its own in a temporary folder, with what the system's package brings. */
export interface PostgresCluster {
  readonly port: number;
  /** All that it writes: its data, its WAL and its log. */
  readonly folder: string;
  /** By TCP, as a server on another machine would. */
  url(database?: string): string;
  /** By the Unix socket. */
  socketUrl(database?: string): string;
  createDatabase(name: string): Promise<void>;
  start(): Promise<void>;
  stop(mode: StopMode): Promise<void>;
  /** Ends it and removes its folder. */
  close(): Promise<void>;
}

/** A server that follows a primary. */
export interface PostgresStandby extends PostgresCluster {
  /** Ends the following: it takes writes from now on. */
  promote(): Promise<void>;
}

const USER = 'coax';
const PROGRAMS = '/usr/lib/postgresql';

/** Makes and starts a cluster. `settings`: lines for postgresql.conf beyond the defaults. */
export function makePostgresCluster(settings: readonly string[] = []): Promise<PostgresCluster> {
  return makeServer(settings, (data, run) =>
    run('initdb', ['-D', data, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']),
  );
}

/** Copies a running cluster and follows it; `name` is what the primary may name in synchronous_standby_names. */
export function makePostgresStandby(
  primary: PostgresCluster,
  name: string,
  settings: readonly string[] = [],
): Promise<PostgresStandby> {
  const source = `host=127.0.0.1 port=${primary.port} user=${USER} application_name=${name}`;
  return makeServer(settings, (data, run) =>
    run('pg_basebackup', ['-d', source, '-D', data, '-R', '-X', 'stream', '-c', 'fast', '--no-sync']),
  );
}

type Run = (program: string, args: readonly string[]) => Promise<void>;

async function makeServer(
  settings: readonly string[],
  fill: (data: string, run: Run) => Promise<void>,
): Promise<PostgresStandby> {
  const folder = mkdtempSync(join(tmpdir(), 'coax-pg-'));
  const data = join(folder, 'data');
  const bin = programFolder();
  const owner = ownerOf();
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const run: Run = async (program, args) => {
    const command = [join(bin, program), ...args];
    // PostgreSQL refuses to run as root.
    const [first, ...rest] =
      owner === null
        ? command
        : ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups', ...command];
    const end = await exec(first as string, rest, { timeoutMs: 120_000 });
    if (end.code !== 0) throw new Error(`${program} ended with ${end.code ?? end.signal}: ${end.stderr}`);
  };
  const port = await freePort();
  const options = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    `unix_socket_directories=${folder}`,
    ...settings,
  ];
  const cluster: PostgresStandby = {
    port,
    folder,
    url: (database = 'postgres') => `postgres://${USER}@127.0.0.1:${port}/${database}`,
    socketUrl: (database = 'postgres') =>
      `postgres://${USER}@/${database}?host=${encodeURIComponent(folder)}&port=${port}`,
    createDatabase: name => run('createdb', ['-h', folder, '-p', String(port), '-U', USER, name]),
    start: () =>
      run('pg_ctl', [
        'start', '-w', '-D', data, '-l', join(folder, 'log'), '-o', options.map(line => `-c ${line}`).join(' '),
      ]), // biome-ignore format: options with their values
    stop: mode => run('pg_ctl', ['stop', '-w', '-D', data, '-m', mode]),
    promote: () => run('pg_ctl', ['promote', '-w', '-D', data]),
    async close() {
      await cluster.stop('immediate').catch(() => {});
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await fill(data, run);
    await cluster.start();
  } catch (error) {
    await cluster.close();
    throw error;
  }
  return cluster;
}

/** Where Debian's package has its programs; the newest version there is. */
function programFolder(): string {
  const versions = readdirSync(PROGRAMS).sort((a, b) => Number(b) - Number(a));
  if (versions[0] === undefined)
    throw new Error('no PostgreSQL server is installed: apt-get install postgresql');
  return join(PROGRAMS, versions[0], 'bin');
}

/** Whom the server runs as when we are root. */
function ownerOf(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const line = /^(?:postgres|nobody):[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (line === null) throw new Error('there is no user postgres or nobody to run PostgreSQL as');
  return { uid: Number(line[1]), gid: Number(line[2]) };
}
