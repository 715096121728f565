import { openSync, readSync } from 'node:fs';
import { LinuxError } from '../linux-error.ts';

let memory: number | null = null;

/** Reads this process's own memory at an address: through the kernel, which says where there is none instead of ending the process. */
function readAt(address: bigint, into: Uint8Array): number {
  memory ??= openSync('/proc/self/mem', 'r');
  try {
    return readSync(memory, into, 0, into.length, address);
  } catch {
    return 0;
  }
}

const ONE = new Uint8Array(1);

/** Whether a byte at that address of this process can be read. */
export function isMapped(address: bigint): boolean {
  return address > 0n && address < 2n ** 63n && readAt(address, ONE) === 1;
}

/** Bytes at an address of this process, as a copy. Errors: LinuxError EFAULT where there is no memory. */
export function bytesAt(address: bigint, bytes: number): Buffer {
  const into = Buffer.alloc(bytes);
  if (bytes > 0 && readAt(address, into) < bytes) throw noMemory(address);
  return into;
}

const TEXT_BYTES = 256;
const TEXT_BYTES_MAX = 1024 * 1024;

/** The text up to the NUL at an address of this process. Errors: LinuxError EFAULT where there is no memory, or no NUL within 1 MiB. */
export function textAt(address: bigint): string {
  const parts: Buffer[] = [];
  for (let done = 0; done < TEXT_BYTES_MAX; ) {
    const into = Buffer.alloc(TEXT_BYTES);
    const read = readAt(address + BigInt(done), into);
    if (read === 0) throw noMemory(address + BigInt(done));
    const end = into.subarray(0, read).indexOf(0);
    parts.push(into.subarray(0, end < 0 ? read : end));
    if (end >= 0) return Buffer.concat(parts).toString('utf8');
    done += read;
  }
  throw new LinuxError('EFAULT', `the text at 0x${address.toString(16)} has no end within 1 MiB`);
}

export function noMemory(address: bigint): LinuxError {
  return new LinuxError(
    'EFAULT',
    `there is no memory at 0x${address.toString(16)}`,
    'A call with it would end the process.',
  );
}
