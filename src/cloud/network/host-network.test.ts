import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isCoaxError } from '../../errors/coax-error.ts';
import { exec } from '../../linux/process/exec.ts';
import { listeningThirdOctets } from './host-loopback.ts';
import { overlaps, tapsOf } from './host-namespace.ts';
import { detectNetworkMode, openHostNetwork } from './host-network.ts';
import { namespaceName, tapName } from './host-wiring.ts';

const UUID = '0b6f3c3e-58a1-4d0c-9d27-3f1f4a1f2a01';
const detected = detectNetworkMode();

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'coax-network-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

async function addressOf(link: string): Promise<string | undefined> {
  const { stdout } = await exec('ip', ['-j', '-4', 'addr', 'show', 'dev', link]);
  return (JSON.parse(stdout || '[]') as { addr_info: { local: string }[] }[])[0]?.addr_info[0]?.local;
}

describe('user mode', () => {
  it('gives a loopback subnet that stays over restarts, and a port that is free', async () => {
    const one = await openHostNetwork({ dataDir, mode: 'user' });
    assert.match(one.cidr, /^127\.77\.\d+\.0\/24$/);
    assert.equal(one.prefix, 24);
    assert.equal(await one.attach(UUID), null);
    const blocker = createServer();
    await new Promise<void>(done => blocker.listen(one.httpPort, '0.0.0.0', done));
    try {
      assert.equal((await openHostNetwork({ dataDir, mode: 'user' })).httpPort, one.httpPort, 'kept');
      const other = mkdtempSync(join(tmpdir(), 'coax-network-'));
      assert.notEqual((await openHostNetwork({ dataDir: other, mode: 'user' })).httpPort, one.httpPort);
      rmSync(other, { recursive: true });
    } finally {
      blocker.close();
    }
  });

  it('sees the subnets where something listens', () => {
    const line =
      '   0: 05484D7F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n';
    assert.deepEqual([...listeningThirdOctets(line)], [0x48]);
    assert.deepEqual(
      [...listeningThirdOctets(line.replace(' 0A ', ' 01 '))],
      [],
      'a connection is no listener',
    );
  });
});

describe('tap mode', { skip: detected.mode === 'tap' ? false : detected.reason }, () => {
  it('makes one interface on the host, and taps in a namespace; adopts both; removes all', async () => {
    const network = await openHostNetwork({ dataDir, mode: 'tap' });
    const name = namespaceName(dataDir);
    try {
      assert.equal(network.namespace, name);
      assert.equal(await addressOf(name), network.gateway);
      const tap = await network.attach(UUID);
      assert.equal(tap, tapName(UUID));
      assert.equal(await network.attach(UUID), tap, 'twice is once');
      assert.deepEqual(await network.taps(), [{ name: tap, uuid: UUID }]);
      assert.equal(existsSync(`/sys/class/net/${tap}`), false, 'the host does not see it');

      const adopted = await openHostNetwork({ dataDir, mode: 'tap' });
      assert.equal(adopted.cidr, network.cidr);
      assert.deepEqual(await tapsOf(name), [{ name: tap, uuid: UUID }], 'opening again disturbs nothing');
      await adopted.detach(UUID);
      await adopted.detach(UUID);
      assert.deepEqual(await adopted.taps(), []);
    } finally {
      await network.remove();
    }
    await network.remove();
    assert.equal(await addressOf(name), undefined);
    assert.equal(existsSync(`/run/netns/${name}`), false);
    assert.deepEqual(await network.taps(), []);
    await network.detach(UUID);
  });

  it('makes all anew after a reboot, also where the file of the namespace stayed', async () => {
    const network = await openHostNetwork({ dataDir, mode: 'tap' });
    const name = namespaceName(dataDir);
    try {
      const cidr = network.cidr;
      await network.remove();
      writeFileSync(`/run/netns/${name}`, '');
      await network.ensure();
      assert.equal(await addressOf(name), network.gateway);
      assert.equal(JSON.parse(readFileSync(join(dataDir, 'network.json'), 'utf8')).tap.cidr, cidr);
      // Half of it gone, as after somebody's `ip link del`.
      await exec('ip', ['link', 'del', name]);
      await Promise.all([network.ensure(), network.ensure(), network.attach(UUID)]);
      assert.equal((await network.taps()).length, 1);
    } finally {
      await network.remove();
    }
  });

  it('gives each data directory a subnet of its own', async () => {
    const dirs = [0, 1, 2].map(() => mkdtempSync(join(tmpdir(), 'coax-network-')));
    const networks = await Promise.all(dirs.map(dir => openHostNetwork({ dataDir: dir, mode: 'tap' })));
    try {
      assert.equal(new Set(networks.map(network => network.cidr)).size, 3);
    } finally {
      for (const network of networks) await network.remove();
      for (const dir of dirs) rmSync(dir, { recursive: true });
    }
  });

  it('refuses a kept subnet that something else uses now', async () => {
    const network = await openHostNetwork({ dataDir, mode: 'tap' });
    const other = mkdtempSync(join(tmpdir(), 'coax-network-'));
    writeFileSync(join(other, 'network.json'), JSON.stringify({ tap: { cidr: network.cidr } }));
    try {
      await assert.rejects(openHostNetwork({ dataDir: other }), error =>
        isCoaxError(error, 'COAX_HYPERVISOR'),
      );
    } finally {
      await network.remove();
      rmSync(other, { recursive: true });
    }
  });

  it('keeps the pid of what runs inside that of the program', async () => {
    const network = await openHostNetwork({ dataDir, mode: 'tap' });
    try {
      const [program, args] = network.inside('readlink', ['/proc/self/ns/net']);
      const { stdout } = await exec(program, args);
      assert.equal(stdout.trim(), `net:[${statSync(`/run/netns/${network.namespace}`).ino}]`);
    } finally {
      await network.remove();
    }
  });
});

describe('overlap of subnets', () => {
  it('is found both ways round, and a VPN on a /8 does not count', () => {
    assert.equal(overlaps('10.77.3.0/24', '10.77.3.0/24'), true);
    assert.equal(overlaps('10.77.3.7', '10.77.3.0/24'), true);
    assert.equal(overlaps('10.77.0.0/16', '10.77.3.0/24'), true);
    assert.equal(overlaps('10.77.4.0/24', '10.77.3.0/24'), false);
    assert.equal(overlaps('192.0.2.0/24', '10.77.3.0/24'), false);
    assert.equal(overlaps('10.0.0.0/8', '10.77.3.0/24'), false);
  });
});
