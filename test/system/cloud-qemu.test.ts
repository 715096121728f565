import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { leftovers } from '../../src/cloud/compute/qemu/leftovers.ts';
import { qemuMissing } from '../../src/cloud/compute/qemu/missing.ts';
import { cacheFolder } from '../../src/cloud/image/cache-folder.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import { openFixture } from './cloud-fixture.ts';

const missing = qemuMissing();
const skip = missing.length > 0 ? `no real guests here: ${missing.join('; ')}` : false;
const BY = { actor: 'test', reason: 'to see' };

test('a real guest: made by a message, kept over a restart, stopped and started again, gone without a trace', {
  skip,
}, async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-cloud-'));
  const open = (lines: string[] = []) =>
    openFixture({ dataDir, simulate: false, cacheDir: cacheFolder(), lines });
  let fixture = await open();
  try {
    const made = await fixture.run('create_vm', { cpu: 1, mem: 128, name: 'web-1' });
    try {
      assert.equal(made.phase, 'done', JSON.stringify(made.error));
      const page = await (await fetch(String(parametersOf(made).url))).text();
      assert.match(page, /<h1>web-1<\/h1>/);
      assert.equal((await fixture.cloud.vms())[0]!.simulated, false);
      assert.deepEqual(await fixture.cloud.fsck(), []);

      await fixture.stop();
      const lines: string[] = [];
      fixture = await open(lines);
      assert.ok(lines.includes('found 1 guest, 1 running'), lines.join('\n'));
      const stopped = await fixture.run('stop_vm', { name: 'web-1' });
      assert.equal(stopped.phase, 'done', JSON.stringify(stopped.error));
      assert.equal((await fixture.cloud.vm('web-1'))!.state, 'stopped');
      await fixture.decisions.revert(stopped.msgid, BY);
      assert.equal((await fixture.rest(stopped.msgid)).phase, 'rolled_back');
      assert.equal((await fixture.cloud.vm('web-1'))!.state, 'running');
      assert.deepEqual(await fixture.cloud.fsck(), []);
    } finally {
      if (made.phase === 'done') await fixture.decisions.revert(made.msgid, BY, true);
      assert.equal((await fixture.rest(made.msgid)).phase, 'rolled_back');
    }
    assert.deepEqual(await fixture.store.allocations(), []);
    assert.deepEqual(await fixture.cloud.fsck(), []);
    assert.deepEqual(await leftovers(dataDir), { processes: [], taps: [], folders: [] });
  } finally {
    await fixture.stop();
    rmSync(dataDir, { recursive: true });
  }
});
