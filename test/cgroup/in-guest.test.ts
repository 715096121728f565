import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInGuest } from './node-guest.ts';

test('limits hold by the kernel with all controllers in cgroup v2: in a guest, nothing is skipped', async t => {
  const { tap, code, serial } = await runInGuest('src/linux/cgroup/limits.test.ts');
  t.diagnostic(tap.slice(-300));
  assert.equal(code, 0, serial.slice(-20_000));
  const count = (name: string): number =>
    Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(tap)?.[1] ?? Number.NaN);
  assert.deepEqual([count('fail'), count('cancelled'), count('skipped')], [0, 0, 0], tap);
  assert.match(tap, /ok \d+ - may have so much memory all together, and is ended as a whole beyond/);
  assert.match(tap, /ok \d+ - what holds limits is told, with what is missing and why/);
});
