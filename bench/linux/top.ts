import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { useBetween } from '../../src/linux/usage/process-use.ts';
import { Sampler } from '../../src/linux/usage/sampler.ts';
import { median, plainRow, type Row } from '../row.ts';
import { DiskLoad } from './disk-load.ts';
import { Iotop } from './iotop.ts';

const FULL = { looks: 50, sleepers: 500, seconds: 5, rounds: 5, mibPerSecond: 40 };
const QUICK = { looks: 3, sleepers: 20, seconds: 1, rounds: 1, mibPerSecond: 10 };

/** What a look at all processes costs. */
export async function measureTop(quick: boolean): Promise<Row[]> {
  const { looks, sleepers } = quick ? QUICK : FULL;
  const child = spawn('sh', ['-c', `for i in $(seq ${sleepers}); do sleep 1000 & done; echo made; wait`], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  try {
    await once(child.stdout, 'data');
    using sampler = await Sampler.open();
    await sampler.take();
    let processes = 0;
    const before = process.cpuUsage();
    for (let look = 0; look < looks; look += 1) processes += (await sampler.take()).processes.size;
    const { user, system } = process.cpuUsage(before);
    return [plainRow('top: one look, CPU time for each process', (user + system) / processes, 'µs')];
  } finally {
    process.kill(-child.pid!);
  }
}

/** A steady load, as `coax top` and Debian's iotop see it over the same looks. As root. */
export async function measureBesideIotop(quick: boolean): Promise<Row[]> {
  const { seconds, rounds, mibPerSecond } = quick ? QUICK : FULL;
  await using load = await DiskLoad.start();
  const iotop = new Iotop(load.pid, { addsUp: false, delaySeconds: seconds });
  try {
    using sampler = await Sampler.open();
    await iotop.next();
    const loading = load.tell(`steady ${mibPerSecond} ${seconds * (rounds + 2)}`);
    await iotop.next();
    let before = await sampler.take([load.pid]);
    const apart: { bytes: number; delay: number | null }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const theirs = await iotop.next();
      const now = await sampler.take([load.pid]);
      const [ours] = useBetween(before, now);
      before = now;
      const bytes = differs(ours!.writeBytesPerSecond!, 1024 * theirs.writtenKib);
      const { ioDelayPercent: own } = ours!;
      apart.push({ bytes, delay: own === null || !theirs.ioDelay ? null : differs(own, theirs.ioDelay) });
    }
    await loading;
    const delays = apart.map(({ delay }) => delay).filter(delay => delay !== null);
    const name = 'iotop: coax top differs from it by, in';
    return [
      plainRow(`${name} bytes written a second`, median(apart.map(({ bytes }) => bytes)), '%', 'value < 5'),
      ...(delays.length === 0 ? [] : [plainRow(`${name} waits for disks`, median(delays), '%', 'value < 5')]),
    ];
  } finally {
    iotop.close();
  }
}

const differs = (ours: number, theirs: number): number => (100 * Math.abs(ours - theirs)) / theirs;
