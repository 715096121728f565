import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { readGpus, readNuma } from './hardware.ts';

const sys = mkdtempSync(join(tmpdir(), 'coax-sys-'));
after(() => rmSync(sys, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(sys, path)), { recursive: true });
  writeFileSync(join(sys, path), text);
}

test('graphics processors are counted by model, and other devices are none', () => {
  const devices: [string, string, string, string][] = [
    ['0000:01:00.0', '0x030200', '0x10de', '0x20b0'],
    ['0000:02:00.0', '0x030200', '0x10de', '0x20b0'],
    ['0000:03:00.0', '0x030000', '0x1002', '0x73bf'],
    ['0000:04:00.0', '0x020000', '0x8086', '0x10fb'],
  ];
  for (const [name, kind, vendor, device] of devices) {
    const folder = `bus/pci/devices/${name}`;
    write(`${folder}/class`, `${kind}\n`);
    write(`${folder}/vendor`, `${vendor}\n`);
    write(`${folder}/device`, `${device}\n`);
  }
  assert.deepEqual(readGpus(sys), [
    { model: '1002:73bf', count: 1 },
    { model: '10de:20b0', count: 2 },
  ]);
});

test('NUMA cells come in the order of their numbers, with their processors and memory', () => {
  write('devices/system/node/node0/cpulist', '0-3,8-11\n');
  write('devices/system/node/node0/meminfo', 'Node 0 MemTotal:       32768 kB\nNode 0 MemFree: 1 kB\n');
  write('devices/system/node/node10/cpulist', '\n');
  write('devices/system/node/node10/meminfo', 'Node 10 MemTotal:       1048576 kB\n');
  write('devices/system/node/node2/cpulist', '4\n');
  write('devices/system/node/node2/meminfo', 'Node 2 MemTotal:       2048 kB\n');
  write('devices/system/node/has_cpu', '0,2\n');
  assert.deepEqual(readNuma(sys), [
    { cpus: 8, memMib: 32 },
    { cpus: 1, memMib: 2 },
    { cpus: 0, memMib: 1024 },
  ]);
});

test('a machine without either has none', () => {
  assert.deepEqual(readGpus(join(sys, 'nowhere')), []);
  assert.deepEqual(readNuma(join(sys, 'nowhere')), []);
});
