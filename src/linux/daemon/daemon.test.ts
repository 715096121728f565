/** Real daemons, each a process of Node of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gone, lives } from '../../testing/process-lives.ts';
import { LinuxError } from '../linux-error.ts';
import { libc } from '../native/libc.ts';
import { constants } from '../native/tables.ts';
import { listenDescriptors } from './listen-descriptors.ts';
import { notify } from './notify.ts';
import { NotifySocket } from './notify-socket.ts';
import { holdPidFile } from './pid-file.ts';
import { DaemonFault, startDaemon } from './start-daemon.ts';
import { watchdogMicroseconds } from './watchdog.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-daemon-'));
after(() => rmSync(folder, { recursive: true }));
const INDEX = JSON.stringify(join(import.meta.dirname, '../index.ts'));
const QUIET = '--disable-warning=ExperimentalWarning';

let files = 0;
/** A program that has all of `coax/linux` by its names. */
function program(code: string): string {
  files += 1;
  const file = join(folder, `program-${files}.mjs`);
  writeFileSync(file, `import * as linux from ${INDEX};\n${code}`);
  return file;
}

/** Runs a command that goes into the background. */
function command(file: string, args: string[] = []) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [QUIET, file, ...args], {
    encoding: 'utf8',
    timeout: 180_000,
    cwd: folder,
  });
  return { status, stdout, stderr };
}

async function until<T>(look: () => T | null | undefined | false): Promise<T> {
  for (let looks = 0; looks < 18_000; looks++) {
    const found = look();
    if (found) return found;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  throw new Error('it did not come');
}

const DAEMON = `
  const [pidFile, logFile] = process.argv.slice(2);
  const daemon = await linux.daemonize({ pidFile, logFile, umask: 0o077 });
  console.log('begun in ' + process.cwd());
  process.on('SIGUSR1', () => console.log('said'));
  process.on('SIGTERM', () => { daemon[Symbol.dispose](); process.exit(0); });
  setInterval(() => {}, 1000);
  setTimeout(() => daemon.ready('serving'), 100);
`;

test('a command goes into the background and returns when it serves', async () => {
  const [pidFile, logFile] = [join(folder, 'd.pid'), join(folder, 'd.log')];
  const file = program(DAEMON);
  const begun = command(file, [pidFile, logFile]);
  assert.deepEqual(begun, { status: 0, stdout: '', stderr: '' });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  try {
    assert.equal(lives(pid), true);
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [, , group, session, terminal] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    assert.deepEqual([group, session, terminal], [pid, pid, 0]);
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), '/');
    assert.match(readFileSync(`/proc/${pid}/status`, 'latin1'), /^Umask:\s+0077$/m);
    assert.equal(readlinkSync(`/proc/${pid}/fd/0`), '/dev/null');
    assert.equal(readlinkSync(`/proc/${pid}/fd/2`), logFile);
    assert.equal(readFileSync(logFile, 'utf8'), 'begun in /\n');

    // A second one is refused, by the first's lock, and says so in the foreground.
    const second = command(file, [pidFile, logFile]);
    assert.equal(second.status, 1);
    assert.match(second.stderr, new RegExp(`it runs already as process ${pid}: .*d.pid is locked`));
    assert.match(second.stderr, /code: 'EEXIST'/);
    assert.equal(lives(pid), true);

    // The log is moved away, as logrotate does, and opened anew.
    process.kill(pid, 'SIGUSR1');
    await until(() => readFileSync(logFile, 'utf8').includes('said'));
    const written = readFileSync(logFile, 'utf8');
    renameSync(logFile, `${logFile}.1`);
    process.kill(pid, 'SIGHUP');
    await until(() => existsSync(logFile));
    await until(() => readlinkSync(`/proc/${pid}/fd/2`) === logFile);
    process.kill(pid, 'SIGUSR1');
    await until(() => readFileSync(logFile, 'utf8') === 'said\n');
    assert.equal(readFileSync(`${logFile}.1`, 'utf8'), written);
  } finally {
    process.kill(pid, 'SIGTERM');
    await gone(pid);
  }
  assert.equal(existsSync(pidFile), false);
});

test('a pid file that a crash left behind is taken over', async () => {
  const [pidFile, logFile] = [join(folder, 'crash.pid'), join(folder, 'crash.log')];
  const file = program(DAEMON);
  assert.equal(command(file, [pidFile, logFile]).status, 0);
  const first = Number(readFileSync(pidFile, 'utf8'));
  process.kill(first, 'SIGKILL');
  await gone(first);
  assert.equal(existsSync(pidFile), true);
  assert.equal(command(file, [pidFile, logFile]).status, 0);
  const second = Number(readFileSync(pidFile, 'utf8'));
  assert.notEqual(second, first);
  process.kill(second, 'SIGKILL');
  await gone(second);
  using held = holdPidFile(pidFile);
  assert.equal(readFileSync(held.path, 'utf8'), `${process.pid}\n`);
  // Also for the same process: the lock belongs to the file that is open.
  assert.throws(() => holdPidFile(pidFile), /runs already as process/);
});

test('a daemon that does not come up is an error with what it said and wrote', async () => {
  const logFile = join(folder, 'bad.log');
  const start = (code: string, readyMs = 20_000) =>
    startDaemon({
      program: process.execPath,
      args: [QUIET, '--input-type=module', '-e', code],
      logFile,
      readyMs,
    });
  const ended = await start(`console.error('no such disk'); process.exit(3)`).catch(error => error);
  assert.ok(ended instanceof DaemonFault);
  assert.deepEqual([ended.code, ended.lines], ['ECHILD', ['no such disk']]);
  assert.match(ended.message, /ended before it served \(exit status 3\)$/);

  const said = await start(
    `const linux = await import(${INDEX}); linux.notify({ STATUS: 'no disk\\nREADY=1', ERRNO: 28 }); process.kill(process.pid, 'SIGKILL')`,
  ).catch(error => error);
  assert.ok(said instanceof DaemonFault);
  assert.deepEqual([said.code, said.lines], ['ENOSPC', []]);
  assert.match(said.message, /\(SIGKILL\): no disk READY=1$/, 'a line break begins no other field');

  const silent = await start('console.log(process.pid); setInterval(() => {}, 1000)', 1500).catch(
    error => error,
  );
  assert.ok(silent instanceof DaemonFault);
  assert.equal(silent.code, 'ETIMEDOUT');
  await gone(Number(silent.lines[0]));
});

test('a program in another language is a daemon by systemd-notify, and may ask for more time', async () => {
  const logFile = join(folder, 'sh.log');
  const statuses: string[] = [];
  const script =
    'systemd-notify EXTEND_TIMEOUT_USEC=30000000; systemd-notify --status="reading disks"; sleep 5.5; umask; systemd-notify --ready --status=serving; exec sleep 600';
  const { pid, status } = await startDaemon({
    program: 'sh',
    args: ['-c', script],
    logFile,
    umask: 0o022,
    readyMs: 5000,
    onStatus: text => statuses.push(text),
  });
  try {
    assert.equal(status, 'serving');
    assert.deepEqual(statuses, ['reading disks', 'serving']);
    assert.equal(readFileSync(logFile, 'utf8'), '0022\n');
    assert.equal(statSync(logFile).mode & 0o777, 0o600);
  } finally {
    process.kill(pid, 'SIGKILL');
    await gone(pid);
  }
});

test('a daemon inherits none of our descriptors', async () => {
  // All that Node opens is close-on-exec; what C opens is not.
  const { O_CREAT, O_RDWR } = constants();
  const secret = libc.open!(join(folder, 'secret'), Number(O_CREAT) | Number(O_RDWR), 0o600) as number;
  const logFile = join(folder, 'fds.log');
  const script = 'systemd-notify --ready; exec sleep 600';
  try {
    const { pid } = await startDaemon({ program: 'sh', args: ['-c', script], logFile });
    const held = readdirSync(`/proc/${pid}/fd`).map(fd => readlinkSync(`/proc/${pid}/fd/${fd}`));
    process.kill(pid, 'SIGKILL');
    await gone(pid);
    assert.deepEqual([...new Set(held)].sort(), ['/dev/null', logFile]);
  } finally {
    closeSync(secret);
  }
});

test('what is told arrives, by a path and by an abstract name; nobody listening is no error', async () => {
  using socket = new NotifySocket();
  assert.equal(notify({ READY: 1 }, {}), false);
  assert.equal(notify({ READY: 1, STATUS: 'a=b' }, { NOTIFY_SOCKET: socket.path }), true);
  assert.deepEqual(
    [...(await socket.next())],
    [
      ['READY', '1'],
      ['STATUS', 'a=b'],
    ],
  );
  assert.equal(notify({ READY: 1 }, { NOTIFY_SOCKET: join(folder, 'gone') }), false);
  const isRefused = (error: unknown): boolean => error instanceof LinuxError && error.code === 'EINVAL';
  assert.throws(() => notify({ READY: 1 }, { NOTIFY_SOCKET: 'relative' }), isRefused);
  assert.throws(() => notify({ READY: 1 }, { NOTIFY_SOCKET: `/${'x'.repeat(108)}` }), isRefused);

  // systemd listens on abstract names in containers; so does this program of Python's.
  const listen = `import socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("\\0coax-test-${process.pid}"); print("up", flush=True); print(s.recv(100))`;
  const python = spawn('python3', ['-c', listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = '';
  python.stdout.on('data', piece => {
    heard += String(piece);
  });
  await until(() => heard.startsWith('up'));
  assert.equal(notify({ READY: 1 }, { NOTIFY_SOCKET: `@coax-test-${process.pid}` }), true);
  await new Promise(resolve => python.once('close', resolve));
  assert.equal(heard, "up\nb'READY=1'\n");
});

test('the variables of a watchdog and of sockets are for the process they name alone', () => {
  assert.equal(watchdogMicroseconds({ WATCHDOG_USEC: '3000000' }), 3_000_000);
  assert.equal(watchdogMicroseconds({ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '1' }), null);
  assert.equal(watchdogMicroseconds({ WATCHDOG_USEC: 'soon' }), null);
  assert.equal(watchdogMicroseconds({}), null);
  const mine = { LISTEN_PID: String(process.pid) };
  assert.deepEqual(listenDescriptors({ LISTEN_PID: '1', LISTEN_FDS: '1' }), []);
  assert.deepEqual(listenDescriptors({ ...mine, LISTEN_FDS: '0' }), []);
  assert.throws(() => listenDescriptors({ ...mine, LISTEN_FDS: 'two' }), /not a number/);
  assert.throws(() => listenDescriptors({ ...mine, LISTEN_FDS: '2', LISTEN_FDNAMES: 'a' }), /names 1 desc/);
  assert.throws(() => listenDescriptors({ ...mine, LISTEN_FDS: '900' }), /Bad file descriptor/);
});

test('systemd opens the port, and the process it starts serves it and leaks it to no child', async () => {
  const file = program(`
    import { createServer } from 'node:http';
    import { execFileSync } from 'node:child_process';
    const [one, ...others] = linux.listenDescriptors();
    const leaked = execFileSync('/bin/sh', ['-c', 'ls /proc/$$/fd'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = JSON.stringify({ name: one.name, others, again: linux.listenDescriptors(), leaked: String(leaked), env: process.env.LISTEN_FDS ?? null });
    createServer((_, response) => response.end(said, () => process.exit(0))).listen({ fd: one.fd });
  `);
  const path = join(folder, 'activated.sock');
  const args = ['-l', path, '--fdname=http', process.execPath, QUIET, file];
  const systemd = spawn('systemd-socket-activate', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  systemd.stderr.on('data', piece => {
    log += String(piece);
  });
  try {
    await until(() => existsSync(path) || (systemd.exitCode !== null && assert.fail(log)));
    const { stdout } = spawnSync('curl', ['-s', '--max-time', '30', '--unix-socket', path, 'http://x/'], {
      encoding: 'utf8',
    });
    assert.deepEqual(JSON.parse(stdout), {
      ...{ name: 'http', others: [], again: [], env: null },
      leaked: '0\n1\n2\n',
    });
  } finally {
    systemd.kill('SIGKILL');
  }
});
