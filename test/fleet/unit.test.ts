/** The files for systemd are such as systemd takes, and leave guests alone. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { exec } from '../../src/linux/process/exec.ts';

const ROOT = join(import.meta.dirname, '../..');
const unit = (name: string): string => readFileSync(join(ROOT, 'packaging/systemd', name), 'utf8');
const UNIT = unit('coax-agent.service');
const SERVER = unit('coax.service');

async function verify(
  text: string,
  name = 'coax-agent.service',
): Promise<{ code: number | null; stderr: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-unit-'));
  try {
    const file = join(dir, name);
    // The program is where the how-to puts it; here it is in the checkout.
    if (name === 'coax.service') writeFileSync(join(dir, 'coax.socket'), unit('coax.socket'));
    writeFileSync(file, text.replace('/usr/local/bin/coax', join(ROOT, 'bin/coax')));
    return await exec('systemd-analyze', ['verify', file], { timeoutMs: 60_000 });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('systemd takes the unit, and a wrong one is found', async () => {
  const good = await verify(UNIT);
  assert.deepEqual([good.code, good.stderr], [0, '']);
  const server = await verify(SERVER, 'coax.service');
  assert.deepEqual([server.code, server.stderr], [0, '']);
  const bad = await verify(UNIT.replace('KillMode=process', 'KillMode=sometimes'));
  assert.match(bad.stderr, /sometimes/);
});

test('a stop of a unit ends its program alone, in more time than it gives its steps; it says itself when it serves', () => {
  for (const text of [UNIT, SERVER]) {
    assert.match(text, /^KillMode=process$/m);
    assert.match(text, /^Type=notify$/m);
    const seconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(text)?.[1]);
    assert.ok(seconds > 10);
  }
});
