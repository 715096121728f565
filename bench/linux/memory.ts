import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { searchMemory } from '../../src/linux/memory/search-memory.ts';
import { median, plainRow, type Row } from '../row.ts';

const FULL = { mib: 512, rounds: 5 };
const QUICK = { mib: 64, rounds: 1 };
const MIB = 1 << 20;

/** What a process holds: each makes `mib` MiB of it, says so, and waits for the end of its input. */
const CONTENTS: Readonly<Record<string, string>> = {
  'the same XML document, with another name each time': `
    lambda at: ("<domain type='kvm' id='%d'><name>vm-%d</name><memory unit='KiB'>1048576</memory><vcpu>2</vcpu>" % (at, at)
      + "<devices><disk type='file' device='disk'><source file='/var/lib/images/base.qcow2'/></disk>"
      + "<interface type='bridge'><source bridge='lan0'/><model type='virtio'/></interface></devices></domain>" * 3).encode()`,
  'lines of a log, no two alike': `
    lambda at: ("2026-01-01T00:00:%06d worker %d took message %d of flow create_vm and gave it to host h%d\\\\n" % (at, at % 97, at * 7919, at % 1013)).encode()`,
  'bytes at random': 'lambda at: os.urandom(4096)',
};
const HOLDER = `
import os, sys
make = eval(sys.argv[1].strip())
held, size, at = [], 0, 0
while size < int(sys.argv[2]):
    piece = make(at); at += 1
    held.append(bytearray(piece)); size += len(piece)
print('held', flush=True); sys.stdin.read()`;

/** How fast `coax mem` searches: megabytes of another's memory for each second of one core. */
export async function measureMemory(quick: boolean): Promise<Row[]> {
  const { mib, rounds } = quick ? QUICK : FULL;
  const rows: Row[] = [];
  for (const [name, make] of Object.entries(CONTENTS)) {
    const child = spawn('python3', ['-c', HOLDER, make.replaceAll('\\\\n', '\\n'), String(mib * MIB)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    try {
      await once(child.stdout, 'data');
      const speeds: number[] = [];
      for (let round = 0; round < rounds; round += 1) speeds.push(await speedOf(child.pid!, mib));
      rows.push(plainRow(`mem: ${name}`, median(speeds), 'MB/s for each core', 'value >= 300'));
    } finally {
      child.stdin.end();
      await ended;
    }
  }
  return rows;
}

async function speedOf(pid: number, mib: number): Promise<number> {
  const before = process.cpuUsage();
  const { searchedBytes } = await searchMemory(pid, { limit: 10 });
  const { user, system } = process.cpuUsage(before);
  if (searchedBytes < mib * MIB) throw new Error(`only ${searchedBytes} bytes were searched`);
  return searchedBytes / (user + system);
}
