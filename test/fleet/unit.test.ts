/** The file for systemd is one that systemd takes, and leaves guests alone. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../src/linux/process/exec.ts';

const ROOT = join(import.meta.dirname, '../..');
const UNIT = readFileSync(join(ROOT, 'packaging/systemd/coax-agent.service'), 'utf8');

async function verify(text: string): Promise<{ code: number | null; stderr: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-unit-'));
  try {
    const file = join(dir, 'coax-agent.service');
    // The program is where the how-to puts it; here it is in the checkout.
    writeFileSync(file, text.replace('/usr/local/bin/coax', join(ROOT, 'bin/coax')));
    return await exec('systemd-analyze', ['verify', file], { timeoutMs: 60_000 });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('systemd takes the unit, and a wrong one is found', async () => {
  const good = await verify(UNIT);
  assert.deepEqual([good.code, good.stderr], [0, '']);
  const bad = await verify(UNIT.replace('KillMode=process', 'KillMode=sometimes'));
  assert.match(bad.stderr, /sometimes/);
});

test('a stop of the unit ends the agent alone, in more time than it gives its steps', () => {
  assert.match(UNIT, /^KillMode=process$/m);
  const seconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(UNIT)?.[1]);
  assert.ok(seconds > 10);
});
