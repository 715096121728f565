import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isCoaxError } from '../../../errors/coax-error.ts';
import { spawnDetached } from '../../../linux/process/exec.ts';
import { QEMU } from './command-line.ts';
import { Qmp, type QmpEvent, withQmp } from './qmp.ts';

describe('QMP with a real QEMU', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coax-qmp-'));
  const socket = join(folder, 'qmp.sock');
  let pid: number;

  const listens = (): Promise<boolean> => withQmp(socket, async () => true).catch(() => false);

  before(async () => {
    const files = { stdoutFile: join(folder, 'out'), stderrFile: join(folder, 'err') };
    const args = [
      '-M',
      'none',
      '-nodefaults',
      '-display',
      'none',
      '-qmp',
      `unix:${socket},server=on,wait=off`,
    ];
    pid = await spawnDetached(QEMU, args, files);
    const limit = AbortSignal.timeout(120_000);
    // The file is there a moment before anybody listens.
    while (!(await listens())) await sleep(10, undefined, { signal: limit });
  });
  after(() => {
    if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true });
  });

  it('answers commands, also many at once, each with its own answer', async () => {
    await withQmp(socket, async qmp => {
      const [status, name, version] = await Promise.all([
        qmp.execute('query-status'),
        qmp.execute('query-name'),
        qmp.execute('query-version'),
      ]);
      assert.equal((status as { status: string }).status, 'running');
      assert.deepEqual(name, {});
      assert.ok('qemu' in (version as object));
    });
  });

  it('gives the reason and the class of a refusal', async () => {
    await withQmp(socket, async qmp => {
      await assert.rejects(qmp.execute('no-such-command'), error => {
        assert.ok(isCoaxError(error, 'COAX_HYPERVISOR'));
        assert.deepEqual(error.detail, { class: 'CommandNotFound' });
        return /no-such-command/.test(error.reason);
      });
      await assert.rejects(qmp.execute('query-status', { extra: 1 }), /QEMU refused/);
      assert.ok(await qmp.execute('query-status'), 'it goes on after a refusal');
    });
  });

  it('hands on events', async () => {
    const events: QmpEvent[] = [];
    await withQmp(
      socket,
      async qmp => {
        await qmp.execute('stop');
        await qmp.execute('cont');
      },
      { onEvent: event => events.push(event) },
    );
    assert.deepEqual(
      events.map(({ event }) => event),
      ['STOP', 'RESUME'],
    );
  });

  it('says when another client holds the monitor, and is greeted once that is gone', async () => {
    const first = await Qmp.open(socket);
    await assert.rejects(Qmp.open(socket, { timeoutMs: 50 }), /did not greet within 50 ms/);
    first.close();
    await assert.rejects(first.execute('query-status'), /closed/);
    await withQmp(socket, qmp => qmp.execute('query-status'));
  });

  it('has a limit for a QEMU that is frozen', async () => {
    // So long it has for its greeting, too, before it is frozen.
    const qmp = await Qmp.open(socket, { timeoutMs: 5000 });
    process.kill(pid, 'SIGSTOP');
    try {
      await assert.rejects(qmp.execute('query-status'), /did not answer `query-status` within 5000 ms/);
    } finally {
      process.kill(pid, 'SIGCONT');
      qmp.close();
    }
  });

  it('says when QEMU is gone or was never there', async () => {
    await assert.rejects(Qmp.open(join(folder, 'none.sock')), /not to be reached: .*ENOENT/);
    const qmp = await Qmp.open(socket);
    process.kill(pid, 'SIGKILL');
    await assert.rejects(qmp.execute('query-status'), error => isCoaxError(error, 'COAX_HYPERVISOR'));
    await assert.rejects(qmp.execute('query-status'), error => isCoaxError(error, 'COAX_HYPERVISOR'));
    const limit = AbortSignal.timeout(120_000);
    while (existsSync(`/proc/${pid}`)) await sleep(5, undefined, { signal: limit });
    await assert.rejects(Qmp.open(socket), /not to be reached: .*ECONNREFUSED/);
  });
});
