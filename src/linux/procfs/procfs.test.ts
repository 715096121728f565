/** Files of /proc: what hostile names do to them, what is told of processes that are there, have ended, or may not be looked at. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { exec } from '../process/exec.ts';
import { cgroupMount, cgroupsOf, cgroupUse, parseCgroups } from './cgroup.ts';
import { parseDiskStats, parseMachineStat, readMachineMemory, readMachineStat } from './machine.ts';
import { countByKind, openFiles } from './open-files.ts';
import { parsePressure } from './pressure.ts';
import { readProcessIo } from './process-io.ts';
import { parseProcessStat, readArguments, readProcessStat, readSchedulerStat } from './process-stat.ts';
import { parseProcessStatus, readProcessStatus } from './process-status.ts';
import { processIds, readable, threadIds } from './read-proc.ts';
import { readSmaps } from './smaps.ts';
import { readRollup, readRollupAside } from './smaps-rollup.ts';
import { ownerIn, ownerOfLoopbackClient } from './socket-owner.ts';

/** No process has this number: it is above the most that there can be. */
const NOBODY = 4_194_400;
const dir = mkdtempSync(join(tmpdir(), 'coax-procfs-'));
after(() => rmSync(dir, { recursive: true }));

/** Names itself so, says so, and waits for the end of its input. */
const NAMED = `import ctypes, sys
ctypes.CDLL(None).prctl(15, bytes.fromhex(sys.argv[1]), 0, 0, 0)
print('named', flush=True); sys.stdin.read()`;

async function named<T>(name: string, look: (pid: number) => T): Promise<T> {
  const hex = Buffer.from(name).toString('hex');
  const child = spawn('python3', ['-c', NAMED, hex], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  try {
    return look(child.pid!);
  } finally {
    child.stdin.end();
    await ended;
  }
}

test('a name with brackets, line ends and figures is a name and nothing else', async () => {
  for (const name of [') R 1 2 3 (', 'a\nUid:\t7\t7', '((((', 'x) S 9\\n']) {
    const { stat, status } = await named(name, pid => ({
      stat: readProcessStat(pid),
      status: readProcessStatus(pid),
    }));
    assert.equal(stat.command, name);
    assert.equal(status.name, name);
    assert.equal(stat.parent, process.pid);
    assert.match(stat.state, /^[SRD]$/);
    assert.equal(stat.threads, 1);
    assert.deepEqual(status.uids, Array(4).fill(process.getuid!()));
  }
});

test('fields are those that the manual gives their numbers', () => {
  const numbers = Array.from({ length: 52 }, (_, index) => String(index + 1));
  assert.deepEqual(parseProcessStat(`42 (sh ) x) S ${numbers.slice(3).join(' ')}\n`), {
    pid: 42,
    command: 'sh ) x',
    state: 'S',
    parent: 4,
    group: 5,
    session: 6,
    isKernelThread: false,
    minorFaults: 10,
    majorFaults: 12,
    userMs: 140,
    systemMs: 150,
    guestMs: 430,
    nice: 19,
    threads: 20,
    startMs: 220,
    virtualBytes: 23,
    processor: 39,
  });
  for (const text of ['', '12', '12 (sh', '12 (sh) S 1 2', ')('])
    assert.throws(() => parseProcessStat(text), /not the stat of a process/);
  assert.equal(parseProcessStatus('Name:\ta\\\\nb\\n\nUid:\t1\t2\t3\t4\n').name, 'a\\nb\n');
});

test('this process is told as it is', async () => {
  const { pid } = process;
  const stat = readProcessStat(pid);
  assert.deepEqual([stat.pid, stat.parent, stat.isKernelThread], [pid, process.ppid, false]);
  assert.ok(process.argv[1]!.endsWith(readArguments(pid).at(-1)!));
  const { user, system } = process.cpuUsage();
  assert.ok(stat.userMs + stat.systemMs <= (user + system) / 1000 + 20);
  assert.ok(processIds().includes(pid) && threadIds(pid).includes(pid));
  assert.ok(readProcessStatus(pid).threads > 1);
  assert.ok(readSchedulerStat(pid).runNs > 0);
  const rollup = readRollup(pid);
  const pss = readSmaps(pid).reduce((sum, { pssBytes }) => sum + pssBytes, 0);
  // Memory is given and taken between the two.
  assert.ok(rollup.pssBytes > pss / 2 && rollup.pssBytes < pss * 2, `${rollup.pssBytes} and ${pss}`);
  assert.ok(rollup.pssBytes <= rollup.rssBytes);
  assert.ok((await readRollupAside(pid)).rssBytes > 0);
});

test('bytes that are written are counted where they are written', () => {
  const before = readProcessIo(process.pid);
  writeFileSync(join(dir, 'written'), Buffer.alloc(1 << 20, 1));
  const now = readProcessIo(process.pid);
  assert.ok(now.calledWriteBytes - before.calledWriteBytes >= 1 << 20);
  assert.ok(now.writeCalls > before.writeCalls);
});

test('what is open is told by its kind, and what has no name any more by that it had', () => {
  const gone = join(dir, 'gone');
  writeFileSync(gone, '');
  const fd = openSync(gone, 'r');
  unlinkSync(gone);
  const odd = join(dir, 'odd (deleted)');
  writeFileSync(odd, '');
  const oddFd = openSync(odd, 'r');
  const files = openFiles(process.pid);
  const by = (number: number) => files.find(file => file.fd === number)!;
  assert.deepEqual(by(fd), { fd, kind: 'file', target: gone, isDeleted: true });
  assert.deepEqual(by(oddFd), { fd: oddFd, kind: 'file', target: odd, isDeleted: false });
  const counts = countByKind(files);
  assert.ok(counts.anonymous! > 0);
  assert.equal(
    Object.values(counts).reduce((sum, count) => sum + count, 0),
    files.length,
  );
});

test('a process that is not there is told', async () => {
  for (const read of [readProcessStat, readProcessStatus, readProcessIo, readRollup, openFiles, cgroupsOf])
    assert.throws(() => read(NOBODY), { code: 'ESRCH', message: `there is no process ${NOBODY}` });
  await assert.rejects(readRollupAside(NOBODY), { code: 'ESRCH' });
  assert.throws(() => threadIds(NOBODY), { code: 'ESRCH' });
  const nothing = readable(() => readProcessIo(NOBODY));
  assert.equal(nothing, null);
  const defect = (): never => {
    throw new TypeError('a defect');
  };
  assert.throws(() => readable(defect), TypeError);
});

/** Gives its rights up, then looks at its parent. */
const AS_NOBODY = `
import { writeSync } from 'node:fs';
const { readProcessStat, readProcessIo, openFiles, readRollup, readable } = await import(process.argv[1]);
process.setgroups([]); process.setgid(65534); process.setuid(65534);
const pid = process.ppid;
const refused = [readProcessIo, openFiles, readRollup].map(read => {
  try { read(pid); return 'read'; } catch (error) { return [error.code, error.hint !== ''].join(' '); }
});
writeSync(1, JSON.stringify({ pid: readProcessStat(pid).pid, refused, io: readable(() => readProcessIo(pid)) }));`;

test('without the right to look, what may be told is told and the rest is refused or null', {
  skip: process.getuid!() === 0 ? false : 'only root becomes somebody else',
}, async () => {
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', AS_NOBODY];
  const index = join(import.meta.dirname, '../index.ts');
  const child = spawn(process.execPath, [...flags, index], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  await once(child, 'close');
  assert.deepEqual(JSON.parse(told), {
    pid: process.pid,
    refused: ['EACCES true', 'EACCES true', 'EACCES true'],
    io: null,
  });
});

test('the machine is told in bytes and milliseconds', async () => {
  const stat = readMachineStat();
  assert.ok(stat.cpus.length >= availableParallelism());
  assert.ok(stat.total.userMs > 0 && stat.bootSeconds > 1e9 && stat.processesMade > 0);
  assert.equal(readMachineMemory().totalBytes, totalmem());
  const free = (await exec('free', ['-b'])).stdout;
  assert.equal(String(readMachineMemory().totalBytes), /Mem: +(\d+)/.exec(free)![1]);
  const parsed = parseMachineStat(
    'cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 0 0 0 0 0 0 0 0 0\nintr 5 0 0\nctxt 77\nbtime 1700000000\nprocesses 9\nprocs_running 2\nprocs_blocked 1\n',
  );
  assert.deepEqual(parsed.total, {
    userMs: 10,
    niceMs: 20,
    systemMs: 30,
    idleMs: 40,
    waitMs: 50,
    interruptMs: 130,
    stolenMs: 80,
    guestMs: 190,
  });
  assert.deepEqual([parsed.cpus.length, parsed.contextSwitches, parsed.blocked], [1, 77, 1]);
  const [disk] = parseDiskStats(' 254       0 vda 10 1 8 30 20 2 16 40 5 60 70 0 0 0 0 1 1\n');
  assert.deepEqual(disk, {
    name: 'vda',
    major: 254,
    minor: 0,
    reads: 10,
    readBytes: 4096,
    readMs: 30,
    writes: 20,
    writtenBytes: 8192,
    writeMs: 40,
    inFlight: 5,
    busyMs: 60,
    waitedMs: 70,
  });
});

test('control groups of both versions, and what one uses', () => {
  const text = '12:cpu,cpuacct:/a:b\n1:name=systemd:/x\n0::/system.slice/cron.service\n';
  assert.deepEqual(parseCgroups(text), {
    path: '/system.slice/cron.service',
    legacy: { 'cpu,cpuacct': '/a:b', 'name=systemd': '/x' },
  });
  const { path } = cgroupsOf(process.pid);
  if (cgroupMount() === null) assert.equal(cgroupUse('/'), null);
  else if (path !== null) assert.ok(cgroupUse(path)!.cpuMicros! > 0);
});

test('pressure is read where the kernel counts it', () => {
  const text =
    'some avg10=1.50 avg60=0.19 avg300=0.37 total=311717624\nfull avg10=0.00 avg60=0.05 avg300=0.19 total=9\n';
  const some = { of10s: 1.5, of60s: 0.19, of300s: 0.37, totalMicros: 311717624 };
  const full = { of10s: 0, of60s: 0.05, of300s: 0.19, totalMicros: 9 };
  assert.deepEqual(parsePressure(text), { some, full });
  assert.deepEqual(parsePressure(text.split('\n')[0]!), { some, full: null });
  assert.equal(parsePressure(''), null);
});

test('whose the client of a connection on loopback is', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, '127.0.0.1');
  const [end] = await accepted;
  assert.equal(ownerOfLoopbackClient(end.remotePort!, port), process.getuid!());
  assert.equal(ownerOfLoopbackClient(port, end.remotePort!), process.getuid!());
  assert.equal(ownerOfLoopbackClient(port, port), null);
  client.destroy();
  end.destroy();
  server.close();
  await once(server, 'close');
  const line = (local: string, remote: string, state: string): string =>
    `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  1000        0 27917 1`;
  const mapped = '0000000000000000FFFF00000100007F';
  assert.equal(ownerIn(line(`${mapped}:9C40`, `${mapped}:0050`, '01'), 40_000, 80), 1000);
  assert.equal(ownerIn(line('0100007F:9C40', '0100007F:0050', '06'), 40_000, 80), null);
  assert.equal(ownerIn(line('0200007F:9C40', '0100007F:0050', '01'), 40_000, 80), null);
});
