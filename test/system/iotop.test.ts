/** What `coax top` says of disks is what Debian's iotop says of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskLoad } from '../../bench/linux/disk-load.ts';
import { Iotop, type IotopLine } from '../../bench/linux/iotop.ts';
import { exec } from '../../src/linux/process/exec.ts';
import { useBetween } from '../../src/linux/usage/process-use.ts';
import { Sampler } from '../../src/linux/usage/sampler.ts';

const KIB = 1024;
const MIB = KIB * KIB;

const skip = await whyNot();
async function whyNot(): Promise<string | false> {
  if (process.getuid!() !== 0) return 'iotop is for root alone';
  const end = await exec('sh', ['-c', 'PATH=$PATH:/usr/sbin:/sbin; iotop --version']);
  return end.code === 0 ? false : `iotop does not run here: ${end.stderr}`;
}

/** Both count from before the load begins until after it has ended, so neither the rate nor when they look matters. */
test('a load of reads and writes is the same to both, within 5 %', { skip }, async () => {
  await using load = await DiskLoad.start();
  const { pid } = load;
  const iotop = new Iotop(pid, { addsUp: true, delaySeconds: 0.5 });
  try {
    using sampler = await Sampler.open();
    await iotop.next();
    const before = await sampler.take([pid]);
    await load.tell('write 48');
    await load.tell('read 24');
    const [ours] = useBetween(before, await sampler.take([pid]));
    const theirs = await settled(iotop);
    assert.ok(ours!.writtenBytes! >= 48 * MIB, String(ours!.writtenBytes));
    assert.ok(ours!.readBytes! >= 24 * MIB, String(ours!.readBytes));
    near(ours!.writtenBytes!, theirs.writtenKib * KIB, 'written');
    near(ours!.readBytes!, theirs.readKib * KIB, 'read');
  } finally {
    iotop.close();
  }
});

/** What iotop says once it says the same twice: then it has looked after the end of the load. */
async function settled(iotop: Iotop): Promise<IotopLine> {
  for (let was = await iotop.next(); ; ) {
    const now = await iotop.next();
    if (now.writtenKib > 0 && now.readKib === was.readKib && now.writtenKib === was.writtenKib) return now;
    was = now;
  }
}

function near(ours: number, theirs: number, what: string): void {
  assert.ok(Math.abs(ours - theirs) <= 0.05 * theirs, `${what}: ${ours} bytes, and by iotop ${theirs}`);
}
