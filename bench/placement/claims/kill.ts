import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainRow, type Row } from '../../row.ts';
import { doneAtLeast, openCloudRig, submitVms, VM } from './cloud-rig.ts';
import { withCluster, withSharedRig } from './postgres.ts';
import { startSchedulers } from './schedulers.ts';

const FULL = { hosts: 1000, messages: 3000, schedulers: 4, kills: 3 };
const QUICK = { hosts: 20, messages: 200, schedulers: 2, kills: 1 };
/** So that what the dead one held comes back soon. */
const LEASE_MS = 2000;

/**
 * One of several schedulers is killed while all of them claim; the others end its work. Told is how many of the books' promises are
 * broken then: hosts over-committed, claims that no message has or that a message has twice, messages without their claim.
 */
export async function measureKill(quick: boolean): Promise<Row[]> {
  const { hosts, messages, schedulers, kills } = quick ? QUICK : FULL;
  let faults = 0;
  let claims = 0;
  await withCluster(async cluster => {
    for (let kill = 0; kill < kills; kill++) {
      await withSharedRig(cluster, hosts, async (rig, url) => {
        const running = await startSchedulers(url, schedulers, LEASE_MS);
        try {
          await submitVms(rig, rig.claimHost, messages);
          running.go();
          // At another moment each time.
          await doneAtLeast(rig.store, Math.ceil((messages * (kill + 1)) / (kills + 2)));
          await running.killOne();
          await doneAtLeast(rig.store, messages);
        } finally {
          await running.close();
        }
        faults += await faultsOf(url, messages);
        claims += messages;
      });
    }
  });
  const what = `kill -9 of one of ${schedulers} schedulers, ${kills} ${kills === 1 ? 'time' : 'times'}`;
  return [
    plainRow(`${what}: claims looked at afterwards`, claims, 'claims'),
    plainRow(`${what}: hosts over-committed, claims lost or double`, faults, 'faults', 'value <= 0'),
  ];
}

/** Read anew from the store, by a process that has claimed nothing. */
async function faultsOf(url: string, messages: number): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-'));
  try {
    const rig = await openCloudRig({ url, dir, hosts: 0, serves: [] });
    try {
      const faults = await rig.cloud.fsck();
      for (const fault of faults.slice(0, 3)) console.error(`fsck: ${JSON.stringify(fault)}`);
      const hosts = await rig.cloud.hosts();
      const given = hosts.reduce((sum, { cpu }) => sum + cpu.used, 0) / VM.cpus;
      const over = hosts.filter(({ cpu, memMib }) => cpu.used > cpu.total || memMib.used > memMib.total);
      return faults.length + over.length + Math.abs(given - messages);
    } finally {
      await rig.close();
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
}
