import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../../../src/testing/free-port.ts';

/** A server on loopback with its data in a folder of the round. */
export interface Server {
  /** Empty when the store is a file of the adapter's own. */
  readonly url: string;
  readonly adminUrl: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const LIMIT_MS = 60_000;

/** PostgreSQL as `initdb` sets it up: fsync and synchronous_commit on, 128 MB of shared buffers. */
export async function startPostgres(dir: string): Promise<Server> {
  const data = join(dir, 'postgres');
  const owner = postgresUser();
  mkdirSync(data, { mode: 0o700 });
  if (owner !== undefined) {
    chmodSync(dir, 0o711);
    chownSync(data, owner.uid, owner.gid);
  }
  const how = { cwd: '/', ...owner };
  execFileSync(
    postgresProgram('initdb'),
    ['-D', data, '-U', 'bench', '-A', 'trust', '--no-sync', '--no-locale', '-E', 'UTF8'],
    {
      ...how,
      stdio: 'ignore',
    },
  );
  const port = await freePort();
  const child = spawn(
    postgresProgram('postgres'),
    [
      ...['-D', data, '-h', '127.0.0.1', '-p', String(port)],
      ...['-c', 'unix_socket_directories=', '-c', 'log_min_messages=fatal'],
    ],
    { ...how, stdio: ['ignore', 'ignore', openSync(join(dir, 'postgres.log'), 'w')] },
  );
  const url = `postgres://bench@127.0.0.1:${port}/postgres`;
  await ready(child, 'postgres', () => readiness(data));
  return { url, adminUrl: '', pid: child.pid as number, stop: () => stop(child, 'SIGINT') };
}

/** Redis with an append-only file, which BullMQ's docs ask for, beside its stock snapshots. */
export async function startRedis(dir: string, appendfsync: 'everysec' | 'always'): Promise<Server> {
  const port = await freePort();
  const child = spawn(
    'redis-server',
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--daemonize', 'no'],
      ...['--appendonly', 'yes', '--appendfsync', appendfsync, '--maxmemory-policy', 'noeviction'],
    ],
    { stdio: ['ignore', openSync(join(dir, 'redis.log'), 'w'), 'inherit'] },
  );
  await ready(child, 'redis-server', () => accepts(port));
  return {
    url: `redis://127.0.0.1:${port}`,
    adminUrl: '',
    pid: child.pid as number,
    stop: () => stop(child, 'SIGTERM'),
  };
}

/** The server's own binary, from its npm package for this processor. */
export async function startRestate(dir: string): Promise<Server> {
  const program = join(
    import.meta.dirname,
    `../node_modules/@restatedev/restate-server-linux-${process.arch}/bin/restate-server`,
  );
  if (!existsSync(program))
    throw new Error(`the npm packages have no Restate server for linux-${process.arch}`);
  const [ingress, admin, node] = [await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${ingress}`;
  const adminUrl = `http://127.0.0.1:${admin}`;
  const log = openSync(join(dir, 'restate.log'), 'w');
  const child = spawn(
    program,
    ['--no-logo', '--listen-mode', 'tcp', '--bind-ip', '127.0.0.1', '--bind-port', String(node)],
    {
      cwd: dir,
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        RESTATE_BASE_DIR: join(dir, 'restate'),
        RESTATE_DISABLE_TELEMETRY: 'true',
        RESTATE_LOG_FILTER: 'warn',
        RESTATE_INGRESS__BIND_PORT: String(ingress),
        RESTATE_ADMIN__BIND_PORT: String(admin),
      },
    },
  );
  await ready(child, 'restate-server', async () => {
    const healthy = async (path: string): Promise<boolean> => (await fetch(path)).ok;
    return (await healthy(`${url}/restate/health`)) && (await healthy(`${adminUrl}/health`));
  });
  return { url, adminUrl, pid: child.pid as number, stop: () => stop(child, 'SIGTERM') };
}

/** Whom PostgreSQL runs as: it refuses root. */
function postgresUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const line = readFileSync('/etc/passwd', 'utf8').match(/^postgres:[^:]*:(\d+):(\d+):/m);
  if (line === null) throw new Error('there is no user "postgres": is the Debian package installed?');
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

/** Debian keeps the server's programs out of the PATH, in a folder for each version. */
export function postgresProgram(name: string): string {
  const versions = '/usr/lib/postgresql';
  const newest = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0] : '';
  return newest ? join(versions, newest, 'bin', name) : name;
}

/** The last line of postmaster.pid says "ready" when it takes connections. */
async function readiness(data: string): Promise<boolean> {
  return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[7]?.trim() === 'ready';
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function ready(child: ChildProcess, name: string, is: () => Promise<boolean>): Promise<void> {
  let failure: string | undefined;
  child.once('error', error => (failure = error.message));
  child.once('exit', (status, signal) => (failure = `it ended with ${signal ?? `status ${status}`}`));
  const until = performance.now() + LIMIT_MS;
  while (!(await is().catch(() => false))) {
    if (performance.now() > until) {
      child.kill('SIGKILL');
      failure ??= `it was not ready after ${LIMIT_MS / 1000} s`;
    }
    if (failure !== undefined) throw new Error(`${name} did not start: ${failure}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise(resolve => child.once('exit', resolve));
  child.kill(signal);
  const limit = setTimeout(() => child.kill('SIGKILL'), 15_000);
  await ended;
  clearTimeout(limit);
}
