import { closeSync, fstatSync, openSync, readSync, statSync, truncateSync, writeFileSync } from 'node:fs';

const LOG_MAX_BYTES = 16 * 1024 * 1024;
const KEEP_BYTES = 1024 * 1024;

/**
 * Cuts a guest's console log down to its last MiB, in `serial.log.1`, once it is over 16 MiB: a guest that prints without
 * end must not fill the host's disk. QEMU appends (O_APPEND), so it goes on at the new end. What is printed between the
 * copy and the cut is lost.
 */
export function trimSerialLog(path: string, maxBytes = LOG_MAX_BYTES, keepBytes = KEEP_BYTES): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= maxBytes) return;
  const file = openSync(path, 'r');
  try {
    const tail = Buffer.alloc(keepBytes);
    const length = readSync(file, tail, 0, keepBytes, fstatSync(file).size - keepBytes);
    writeFileSync(`${path}.1`, tail.subarray(0, length), { mode: 0o600 });
    truncateSync(path);
  } finally {
    closeSync(file);
  }
}
