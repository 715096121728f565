import assert from 'node:assert/strict';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { cacheFolder } from '../../image/cache-folder.ts';
import { openStockImage } from '../../image/stock-image.ts';
import { probeAccelerator } from './kvm-probe.ts';

it('KVM is probed once for each boot, and not at all where /dev/kvm may not be used', async () => {
  const cacheDir = mkdtempSync(join(tmpdir(), 'coax-kvm-'));
  const file = join(cacheDir, 'accelerator.json');
  try {
    const image = await openStockImage(cacheFolder());
    const accelerator = await probeAccelerator(cacheDir, image);
    assert.ok(accelerator === 'tcg' || accelerator === 'kvm');
    if (!mayUseKvm()) {
      assert.equal(accelerator, 'tcg');
      assert.equal(existsSync(file), false);
      return;
    }
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { bootId: string; accelerator: string };
    assert.equal(kept.accelerator, accelerator);
    const other = accelerator === 'kvm' ? 'tcg' : 'kvm';
    writeFileSync(file, JSON.stringify({ ...kept, accelerator: other }));
    assert.equal(await probeAccelerator(cacheDir, image), other, 'kept for this boot');
    writeFileSync(file, JSON.stringify({ bootId: 'an earlier boot', accelerator: other }));
    assert.equal(await probeAccelerator(cacheDir, image), accelerator, 'probed again after a boot');
    writeFileSync(file, 'not JSON');
    assert.equal(await probeAccelerator(cacheDir, image), accelerator);
  } finally {
    rmSync(cacheDir, { recursive: true });
  }
});

function mayUseKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
