/** Use between two samples, in arithmetic and of a real process. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fieldsWithin } from '../netlink/taskstats.ts';
import { readRollup } from '../procfs/smaps-rollup.ts';
import { mostPss, pssOf } from './most-pss.ts';
import { useBetween } from './process-use.ts';
import { qemuGuest } from './qemu-guest.ts';
import { type ProcessSample, type Sample, Sampler } from './sampler.ts';

/** On a disk: what lies in memory alone is not counted. */
const DIR = join(import.meta.dirname, '../../../tmp/usage-test');

const of = (more: Partial<ProcessSample>): ProcessSample => ({
  pid: 7,
  startMs: 100,
  command: 'sh',
  arguments: ['sh'],
  uid: 0,
  state: 'S',
  threads: 1,
  cpuMs: 0,
  rssBytes: 4096,
  readBytes: 0,
  writtenBytes: 0,
  ioDelayNs: 0,
  ...more,
});
const sample = (atMs: number, ...all: ProcessSample[]): Sample => ({
  atMs,
  processes: new Map(all.map(one => [one.pid, one])),
});

test('use is what was added, by time', () => {
  const before = sample(1000, of({ cpuMs: 100, readBytes: 10, writtenBytes: 1000, ioDelayNs: 5e6 }));
  const after = sample(
    3000,
    of({ cpuMs: 1100, readBytes: 4010, writtenBytes: 1000, ioDelayNs: 405e6, threads: 2 }),
  );
  const [use] = useBetween(before, after);
  assert.deepEqual(
    [use!.cpuPercent, use!.readBytes, use!.readBytesPerSecond, use!.writeBytesPerSecond, use!.ioDelayPercent],
    // 400 ms of 2 s, by two threads.
    [50, 4000, 2000, 0, 10],
  );
});

test('a process that is new, or has the number of one that ended, is counted from its start', () => {
  const before = sample(0, of({ pid: 7, cpuMs: 9000, writtenBytes: 1e9 }));
  const after = sample(
    1000,
    of({ pid: 7, startMs: 555, cpuMs: 20, writtenBytes: 50 }),
    of({ pid: 8, cpuMs: 100 }),
  );
  assert.deepEqual(
    useBetween(before, after).map(({ pid, cpuPercent, writtenBytes }) => [pid, cpuPercent, writtenBytes]),
    [
      [7, 2, 50],
      [8, 10, 0],
    ],
  );
});

test('what is not known is null, and what is taken back is no use', () => {
  const before = sample(0, of({ readBytes: null, ioDelayNs: null, writtenBytes: 5000 }));
  const after = sample(1000, of({ readBytes: null, ioDelayNs: null, writtenBytes: 1000 }));
  const [use] = useBetween(before, after);
  assert.deepEqual([use!.readBytesPerSecond, use!.ioDelayPercent, use!.writtenBytes], [null, null, 0]);
});

test('a real process is seen to work and to write; one that has ended is left out', async () => {
  using sampler = await Sampler.open();
  const before = await sampler.take();
  mkdirSync(DIR, { recursive: true });
  writeFileSync(join(DIR, 'written'), Buffer.alloc(8 << 20, 7), { flush: true });
  for (let spent = process.cpuUsage(); process.cpuUsage(spent).user < 200_000; );
  const after = await sampler.take([process.pid, 4_194_400]);
  rmSync(DIR, { recursive: true });
  assert.deepEqual([...after.processes.keys()], [process.pid]);
  const [use] = useBetween(before, after);
  const ms = after.atMs - before.atMs;
  assert.ok((use!.cpuPercent * ms) / 100 >= 180, `${use!.cpuPercent}% of ${ms} ms`);
  assert.ok(use!.writtenBytes! >= 8 << 20);
  if (!sampler.delays.counted) {
    assert.equal(use!.ioDelayPercent, null);
    assert.notEqual(sampler.delays.reason, '');
  } else assert.ok(use!.ioDelayPercent! >= 0);
});

test('those with the largest share of memory are found without looking at all', () => {
  const shares = new Map([
    [1, 50],
    [2, 90],
    [3, 10],
    [4, 5],
  ]);
  const looked: number[] = [];
  const rows = [
    { pid: 4, rssBytes: 20 },
    { pid: 1, rssBytes: 200 },
    { pid: 2, rssBytes: 95 },
    { pid: 3, rssBytes: 49 },
  ];
  const most = mostPss(rows, 2, pid => {
    looked.push(pid);
    return shares.get(pid)!;
  });
  assert.deepEqual(
    most.map(({ pid, pssBytes }) => [pid, pssBytes]),
    [
      [2, 90],
      [1, 50],
    ],
  );
  assert.deepEqual(looked, [1, 2]);
  assert.equal(mostPss(rows, Number.POSITIVE_INFINITY, () => null).length, 4);
  assert.equal(pssOf(4_194_400), null);
  const own = readRollup(process.pid).pssBytes;
  assert.ok(pssOf(process.pid)! > own / 2 && pssOf(process.pid)! < own * 2);
});

test('a guest of QEMU is known by its arguments', () => {
  const uuid = '0192ac00-0000-7000-8000-000000000001';
  const named = (...words: string[]) => qemuGuest(['/usr/bin/qemu-system-x86_64', ...words]);
  assert.deepEqual(named('-name', 'web', '-uuid', uuid), { name: 'web', uuid });
  assert.deepEqual(named('-name', 'guest=web-1,debug-threads=on'), { name: 'web-1', uuid: '' });
  assert.deepEqual(named('--name', 'a,,b,process=x'), { name: 'a,b', uuid: '' });
  assert.deepEqual(named('-uuid', uuid), { name: uuid, uuid });
  assert.equal(named('-m', '128'), null);
  assert.equal(qemuGuest(['vim', '-name', 'qemu-system-x86_64']), null);
  assert.equal(qemuGuest([]), null);
});

test('fields that an older kernel does not have are not there; a version that lays them elsewhere is refused', () => {
  const bytes = Buffer.alloc(416);
  bytes.writeUInt16LE(13, 0);
  bytes.writeBigUInt64LE(77n, 40);
  assert.equal(fieldsWithin(bytes).blkio_delay_total, 77);
  assert.equal(fieldsWithin(bytes).wpcopy_delay_total, 0);
  const older = Buffer.from(bytes.subarray(0, 328));
  older.writeUInt16LE(8, 0);
  assert.ok(!('thrashing_delay_total' in fieldsWithin(older)));
  assert.equal(fieldsWithin(older).freepages_delay_total, 0);
  bytes.writeUInt16LE(15, 0);
  assert.throws(() => fieldsWithin(bytes), /version 15/);
});
