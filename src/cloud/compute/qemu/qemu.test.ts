import assert from 'node:assert/strict';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCoaxError } from '../../../errors/coax-error.ts';
import { exec, spawnDetached } from '../../../linux/process/exec.ts';
import { hypervisorConformance } from '../../../testing/hypervisor-conformance.ts';
import { makeQemuFixture, type QemuFixture } from '../../../testing/qemu-fixture.ts';
import { cacheFolder } from '../../image/cache-folder.ts';
import { openStockImage } from '../../image/stock-image.ts';
import { detectNetworkMode } from '../../network/host-network.ts';
import type { GuestSpec } from '../hypervisor.ts';
import { waitForHttp } from '../wait-for-http.ts';
import { QEMU, qemuArguments } from './command-line.ts';
import { GuestFolders } from './guest-folder.ts';
import { leftovers } from './leftovers.ts';

const SOURCE = join(import.meta.dirname, '../../..');
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];
const detected = detectNetworkMode();
const noTap = detected.mode === 'tap' ? false : detected.reason;
const modes = noTap ? (['user'] as const) : (['tap', 'user'] as const);

/** A QEMU started as create starts it, by somebody who was killed before he could note it. */
async function startUnnoted(fixture: QemuFixture, spec: GuestSpec): Promise<number> {
  const folder = new GuestFolders(fixture.dataDir).make(spec);
  const tap = await fixture.network.attach(spec.uuid);
  const args = qemuArguments(spec, folder, await openStockImage(cacheFolder()), 'tcg', tap);
  const [program, all] = fixture.network.inside(QEMU, args);
  return await spawnDetached(program, all, { stdoutFile: folder.stdoutFile, stderrFile: folder.stderrFile });
}

/** What a guest's console shows after a line was typed there, up to the end of the line's answer. */
async function atConsole(path: string, line: string, signal: AbortSignal): Promise<string> {
  const socket = createConnection(path);
  socket.write(`${line}; echo do''ne\n`);
  let shown = '';
  for await (const piece of addAbortSignal(signal, socket)) {
    shown += String(piece);
    if (shown.includes('\ndone')) break;
  }
  return shown;
}

for (const mode of modes) {
  hypervisorConformance(`QEMU in ${mode} mode`, async () => {
    const fixture = await makeQemuFixture(mode);
    return {
      ...fixture,
      async halfMake(spec: GuestSpec) {
        const pid = await startUnnoted(fixture, spec);
        process.kill(pid, 'SIGSTOP');
        rmSync(new GuestFolders(fixture.dataDir).at(spec.uuid).pidFile, { force: true });
      },
    };
  });

  describe(`a real guest in ${mode} mode`, () => {
    it('serves its page, shows a console, hears the power button, boots again after a reset', async () => {
      const fixture = await makeQemuFixture(mode);
      const signal = AbortSignal.timeout(120_000);
      try {
        const hypervisor = await fixture.open();
        const spec = { ...fixture.spec(1), cpu: 2, memMib: 4096 };
        const guest = await hypervisor.create(spec, signal);
        const page = await waitForHttp(guest, 60_000, signal);
        for (const shown of [spec.name, spec.uuid, spec.msgid, '4096 MiB', spec.network.ip]) {
          assert.ok(page.includes(String(shown)), `the page names ${shown}`);
        }
        const facts = (await (await fetch(`${guest.url}vm.json`)).json()) as { cpus: number };
        assert.equal(facts.cpus, 2, 'the guest has its processors');
        assert.equal((await (await fetch(`${guest.url}health`)).text()).trim(), 'ok');
        const ready = /coax-guest-ready name=vm-1 uuid=\S+/g;
        assert.equal((await hypervisor.consoleTail(spec.uuid, 10_000)).match(ready)?.length, 1);

        assert.match(
          await atConsole(guest.serialSocket!, 'echo $((6 * 7)) on $(hostname)', signal),
          /42 on vm-1/,
        );

        await hypervisor.reboot(spec.uuid, signal);
        while ((await hypervisor.consoleTail(spec.uuid, 10_000)).match(ready)?.length !== 2) {
          await sleep(50, undefined, { signal });
        }
        await waitForHttp(guest, 60_000, signal);

        const stopped = await hypervisor.stop(spec.uuid, 60_000, signal);
        assert.equal(stopped.state, 'stopped');
        assert.match(await hypervisor.consoleTail(spec.uuid, 200), /reboot: Power down/, 'it was not forced');
        const { processes, taps, folders } = await leftovers(fixture.dataDir);
        assert.deepEqual([processes, taps, folders], [[], [], [spec.uuid]]);
        await hypervisor.destroy(spec.uuid, signal);
        await fixture.assertClean();
      } finally {
        await fixture.close();
      }
    });
  });
}

const mode = modes[0];

describe('guests outlive their server', () => {
  /** Runs a server that makes guest 1 and gets SIGKILL after `killAfterMs`, or right after the create. */
  async function serverKilled(fixture: QemuFixture, killAfterMs: number | null): Promise<void> {
    const script = join(fixture.dataDir, 'server.ts');
    writeFileSync(
      script,
      `import { makeServer } from '${SOURCE}/testing/qemu-server.ts';
       await makeServer(${JSON.stringify({ dataDir: fixture.dataDir, mode, killAfterMs })});`,
    );
    const env = { PATH: process.env.PATH!, COAX_CACHE: cacheFolder() };
    const end = await exec(process.execPath, [...NODE_FLAGS, script], { env, timeoutMs: 60_000 });
    assert.equal(end.signal, 'SIGKILL', end.stderr);
  }

  it('a guest lives through the SIGKILL of its server and is adopted', async () => {
    const fixture = await makeQemuFixture(mode);
    const signal = AbortSignal.timeout(180_000);
    try {
      await serverKilled(fixture, null);
      const { processes } = await leftovers(fixture.dataDir);
      assert.equal(processes.length, 1);
      const hypervisor = await fixture.open();
      const guest = await hypervisor.create(fixture.spec(1), signal);
      assert.equal(guest.pid, processes[0]!.pid, 'it is the same process');
      assert.match(await waitForHttp(guest, 60_000, signal), /vm-1/);
    } finally {
      await fixture.close();
    }
  });

  it('killed at any moment of a create, the next create gives one guest, and destroy leaves nothing', async () => {
    const fixture = await makeQemuFixture(mode);
    const signal = AbortSignal.timeout(120_000);
    try {
      for (const killAfterMs of [0, 2, 5, 10, 15, 20, 30, 40, 60]) {
        await serverKilled(fixture, killAfterMs);
        const hypervisor = await fixture.open();
        const guest = await hypervisor.create(fixture.spec(1), signal);
        const { processes, taps } = await leftovers(fixture.dataDir);
        assert.deepEqual(processes, [{ uuid: guest.uuid, pid: guest.pid }], `after ${killAfterMs} ms`);
        assert.equal(taps.length, mode === 'tap' ? 1 : 0);
        await hypervisor.destroy(guest.uuid, signal);
        await fixture.assertClean();
        await serverKilled(fixture, killAfterMs);
        await hypervisor.destroy(guest.uuid, signal);
        await fixture.assertClean();
      }
    } finally {
      await fixture.close();
    }
  });
});

describe('QEMU as a process', () => {
  it('is adopted without its pid file, and a stranger at that pid is not', async () => {
    const fixture = await makeQemuFixture(mode);
    const signal = AbortSignal.timeout(180_000);
    try {
      const hypervisor = await fixture.open();
      const guest = await hypervisor.create(fixture.spec(1), signal);
      const { pidFile } = new GuestFolders(fixture.dataDir).at(guest.uuid);
      rmSync(pidFile);
      assert.equal((await hypervisor.find(guest.uuid))?.pid, guest.pid);
      writeFileSync(pidFile, `${process.pid}\n`);
      assert.equal((await hypervisor.find(guest.uuid))?.pid, guest.pid);
      process.kill(guest.pid!, 'SIGKILL');
      while (existsSync(`/proc/${guest.pid}`)) await sleep(5, undefined, { signal });
      assert.equal((await hypervisor.find(guest.uuid))?.state, 'stopped', 'SIGKILL leaves its files');
      await hypervisor.destroy(guest.uuid, signal);
      await fixture.assertClean();
    } finally {
      await fixture.close();
    }
  });

  it('that is frozen shows as paused, and is destroyed all the same', async () => {
    const fixture = await makeQemuFixture(mode);
    const signal = AbortSignal.timeout(180_000);
    try {
      const hypervisor = await fixture.open();
      const guest = await hypervisor.create(fixture.spec(1), signal);
      process.kill(guest.pid!, 'SIGSTOP');
      assert.equal((await hypervisor.find(guest.uuid))?.state, 'paused');
      await hypervisor.destroy(guest.uuid, signal);
      await fixture.assertClean();
    } finally {
      await fixture.close();
    }
  });

  it('whose create is aborted on the way is adopted by the next create', async () => {
    const fixture = await makeQemuFixture(mode);
    const signal = AbortSignal.timeout(180_000);
    try {
      const hypervisor = await fixture.open();
      const lost = new AbortController();
      const reason = new Error('lease lost');
      const creating = hypervisor.create(fixture.spec(1), lost.signal);
      while ((await leftovers(fixture.dataDir)).processes.length === 0) await sleep(1, undefined, { signal });
      lost.abort(reason);
      // It may have been done already; what counts is that nothing is torn down under the next owner.
      await creating.catch(error => assert.equal(error, reason));
      const { processes } = await leftovers(fixture.dataDir);
      const guest = await hypervisor.create(fixture.spec(1), signal);
      assert.deepEqual(processes, [{ uuid: guest.uuid, pid: guest.pid }]);
    } finally {
      await fixture.close();
    }
  });

  it('that ends while it boots ends the wait for its page', async () => {
    const fixture = await makeQemuFixture(mode);
    const signal = AbortSignal.timeout(180_000);
    try {
      const hypervisor = await fixture.open();
      const guest = await hypervisor.create(fixture.spec(1), signal);
      await assert.rejects(waitForHttp(guest, 1, signal), /did not answer within 1 ms/);
      const waiting = waitForHttp(guest, 60_000, signal);
      await hypervisor.stop(guest.uuid, 0, signal);
      await assert.rejects(waiting, /ended while it booted/);
    } finally {
      await fixture.close();
    }
  });

  it('that cannot start gives what it said as the reason, and leaves nothing', async () => {
    const fixture = await makeQemuFixture('user');
    const signal = AbortSignal.timeout(180_000);
    try {
      const hypervisor = await fixture.open();
      const spec = fixture.spec(1);
      const unusable = { ...spec, network: { ...spec.network, ip: '192.0.2.99' } };
      await assert.rejects(
        hypervisor.create(unusable, signal),
        error => isCoaxError(error, 'COAX_HYPERVISOR') && /192\.0\.2\.99/.test(error.reason),
      );
      await fixture.assertClean();
    } finally {
      await fixture.close();
    }
  });

  it('has its files where only its owner can look, and short socket paths below a long data directory', async () => {
    const fixture = await makeQemuFixture(mode, `${'deep/'.repeat(20)}data,with=signs`);
    const signal = AbortSignal.timeout(180_000);
    try {
      const hypervisor = await fixture.open();
      const guest = await hypervisor.create(fixture.spec(1), signal);
      const folder = new GuestFolders(fixture.dataDir).at(guest.uuid);
      assert.ok(Buffer.byteLength(folder.serialSocket) <= 107, folder.serialSocket);
      assert.equal(guest.serialSocket, folder.serialSocket);
      for (const path of [folder.path, join(folder.qmpSocket, '..')]) {
        assert.equal(statSync(path).mode & 0o777, 0o700, path);
      }
      await hypervisor.destroy(guest.uuid, signal);
      assert.equal(existsSync(join(folder.qmpSocket, '../..')), false, 'the short folder is gone too');
    } finally {
      await fixture.close();
    }
  });
});

const notRoot = process.getuid?.() === 0 ? false : 'only root can become somebody else';

it('an ordinary user makes real guests too, on the loopback', { skip: notRoot }, async () => {
  const temporary = mkdtempSync(join(tmpdir(), 'coax-user-'));
  const dataDir = join(temporary, 'data');
  const cacheDir = join(temporary, 'cache');
  try {
    await openStockImage(cacheFolder());
    mkdirSync(cacheDir);
    mkdirSync(dataDir);
    cpSync(join(cacheFolder(), 'kernel'), join(cacheDir, 'kernel'), { recursive: true });
    // The checkout may be where only root can read.
    const code = join(temporary, 'code');
    cpSync(SOURCE, code, { recursive: true });
    for (const path of [temporary, dataDir, cacheDir]) chownSync(path, 65_534, 65_534);
    const script = join(code, 'server.ts');
    writeFileSync(
      script,
      `import { makeServer } from './testing/qemu-server.ts';
       await makeServer(${JSON.stringify({ dataDir, mode: 'detected', killAfterMs: 'never' })});`,
    );
    const node = join(temporary, 'node');
    cpSync(process.execPath, node);
    const as = [
      '--reuid',
      '65534',
      '--regid',
      '65534',
      '--clear-groups',
      '--bounding-set=-all',
      '--inh-caps=-all',
    ];
    const env = { PATH: process.env.PATH!, COAX_CACHE: cacheDir, HOME: temporary };
    const end = await exec('setpriv', [...as, node, ...NODE_FLAGS, script], { env, timeoutMs: 120_000 });
    assert.equal(end.code, 0, end.stderr);
    const told = JSON.parse(end.stdout) as { mode: string; url: string; page: string; left: unknown };
    assert.equal(told.mode, 'user');
    assert.match(told.url, /^http:\/\/127\.77\.\d+\.11:8\d+\/$/, 'a port that needs no privilege');
    assert.match(told.page, /vm-1/);
    assert.deepEqual(told.left, { processes: [], taps: [], folders: [] });
  } finally {
    rmSync(temporary, { recursive: true });
  }
});
