import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DoctorOptions, runDoctor } from './doctor.ts';

test('doctor says what to do about everything that is not ok', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-doctor-'));
  try {
    const options: DoctorOptions = {
      dataDir,
      cacheDir: join(dataDir, 'cache'),
      simulate: false,
      accelerator: null,
      hypervisorFault: 'the kernel cannot be fetched',
    };
    const checks = new Map(runDoctor(options).map(check => [check.name, check]));
    assert.deepEqual(
      [...checks.keys()],
      ['node', 'data directory', 'disk', 'limits of programs', 'qemu', 'kvm', 'network', 'image'],
    );
    assert.equal(checks.get('node')!.ok, true);
    assert.equal(checks.get('data directory')!.ok, true);
    assert.match(
      checks.get('limits of programs')!.about,
      /^(no control groups|each program with limits has a group below \/)/,
    );
    // Either QEMU is missing here, or what was found to be wrong is told.
    assert.equal(checks.get('qemu')!.ok, false);
    assert.match(checks.get('qemu')!.about, /missing: |the kernel cannot be fetched/);
    assert.match(checks.get('image')!.about, /not built yet/);
    assert.ok([...checks.values()].every(({ ok, fix }) => ok || fix));

    const nowhere = new Map(
      runDoctor({ ...options, dataDir: join(dataDir, 'none'), simulate: true }).map(check => [
        check.name,
        check,
      ]),
    );
    assert.equal(nowhere.get('data directory')!.ok, false);
    assert.match(nowhere.get('data directory')!.fix!, /COAX_DATA/);
    assert.match(nowhere.get('hypervisor')!.about, /simulated/);
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});
