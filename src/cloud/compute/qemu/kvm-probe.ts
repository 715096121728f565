import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exec } from '../../../linux/process/exec.ts';
import type { StockImage } from '../../image/stock-image.ts';
import { type Accelerator, QEMU } from './command-line.ts';

const PROBE_SECONDS = 5;

/**
 * Whether KVM runs guests here. That /dev/kvm opens proves nothing (there are machines where the guest then never runs),
 * so the stock kernel is booted and must print something within 5 s. The answer is kept in the cache until the next boot.
 */
export async function probeAccelerator(cacheDir: string, image: StockImage): Promise<Accelerator> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
  } catch {
    return 'tcg';
  }
  const file = join(cacheDir, 'accelerator.json');
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const kept = readKept(file);
  if (kept?.bootId === bootId) return kept.accelerator;
  const accelerator = (await printsUnderKvm(image.kernel)) ? 'kvm' : 'tcg';
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.${process.pid}`, JSON.stringify({ bootId, accelerator }));
  renameSync(`${file}.${process.pid}`, file);
  return accelerator;
}

/** Without a root file system the kernel panics at the end of its boot, and that ends QEMU. */
async function printsUnderKvm(kernel: string): Promise<boolean> {
  // timeout(1) ends it too when we are killed meanwhile.
  const { stdout } = await exec(
    'timeout',
    [
      ...['-s', 'KILL', String(PROBE_SECONDS), QEMU],
      ...['-M', 'q35,accel=kvm', '-cpu', 'host', '-m', '128', '-nodefaults', '-no-user-config', '-no-reboot'],
      ...['-display', 'none', '-serial', 'stdio', '-kernel', kernel],
      ...['-append', 'console=ttyS0 earlyprintk=ttyS0 panic=-1'],
    ],
    { timeoutMs: (PROBE_SECONDS + 2) * 1000 },
  );
  return stdout.length > 0;
}

function readKept(file: string): { bootId: string; accelerator: Accelerator } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { bootId: string; accelerator: Accelerator };
  } catch {
    return null;
  }
}
