import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { GuestSpec } from '../hypervisor.ts';
import { kernelCommandLine, qemuArguments } from './command-line.ts';
import { GuestFolders } from './guest-folder.ts';
import { trimSerialLog } from './serial-log.ts';

const SPEC: GuestSpec = {
  uuid: '0b6f3c3e-58a1-4d0c-9d27-3f1f4a1f2a01',
  name: 'web',
  cpu: 2,
  memMib: 4096,
  msgid: 141_592,
  network: {
    mode: 'tap',
    ip: '10.77.0.11',
    prefix: 24,
    gateway: '10.77.0.1',
    mac: '52:54:00:00:00:01',
    httpPort: 80,
  },
};

describe('the command line', () => {
  const folder = new GuestFolders('/data,with=signs').at(SPEC.uuid);
  const image = { id: 'x', kernel: '/k', initrd: '/i', release: '6' };

  it('tells the guest who it is, within what a kernel reads', () => {
    const longest = { ...SPEC, name: 'n'.repeat(63), msgid: Number.MAX_SAFE_INTEGER };
    assert.ok(kernelCommandLine(longest).length < 2048);
    assert.match(kernelCommandLine(SPEC), / coax\.ip=10\.77\.0\.11\/24 coax\.gw=10\.77\.0\.1$/);
  });

  it('doubles commas in paths, so that a folder cannot add options', () => {
    const args = qemuArguments(SPEC, folder, image, 'tcg', 'tap0');
    assert.ok(args.some(arg => arg.includes('path=/data,,with=signs/vms/')));
    assert.equal(args[args.indexOf('-pidfile') + 1], folder.pidFile);
  });

  it('keeps a guest of the user-mode network away from the host’s loopback', () => {
    const network = { ...SPEC.network, mode: 'user' as const, ip: '127.77.0.11', httpPort: 8080 };
    const args = qemuArguments({ ...SPEC, network }, folder, image, 'tcg', null);
    const netdev = args[args.indexOf('-netdev') + 1]!;
    assert.match(netdev, /restrict=on/);
    assert.match(netdev, /hostfwd=tcp:127\.77\.0\.11:8080-10\.0\.2\.15:80$/);
  });
});

describe('the console log', () => {
  it('is cut when it is long, its end kept, and goes on at its new end', () => {
    const folder = mkdtempSync(join(tmpdir(), 'coax-log-'));
    const log = join(folder, 'serial.log');
    try {
      trimSerialLog(log);
      writeFileSync(log, `${'x'.repeat(95)}12345`);
      trimSerialLog(log, 100, 5);
      assert.equal(statSync(log).size, 100, 'not over the limit');
      appendFileSync(log, '6');
      trimSerialLog(log, 100, 5);
      assert.equal(readFileSync(`${log}.1`, 'utf8'), '23456');
      assert.equal(statSync(log).size, 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
