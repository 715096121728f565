import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoaxError, isCoaxError, textOf } from '../../errors/coax-error.ts';
import { findProgram } from '../../linux/process/exec.ts';
import { buildInitramfs } from './initramfs.ts';
import { findKernel, putFolder } from './kernel.ts';

const INITRD = 'initramfs.cpio.gz';

/** What a stock guest boots: Linux with busybox in memory, no disk. */
export interface StockImage {
  /** SHA-256 over kernel and initramfs, the first 16 hex digits; the name of its folder in the cache. */
  readonly id: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly release: string;
}

/**
 * The stock image, built if the cache has none of the same content: under 10 s with the download, 0.3 s without. Two
 * builders at once are fine. The same kernel and busybox always give the same bytes.
 *
 * Errors: COAX_TOOL_MISSING, with the package to install; COAX_HYPERVISOR where the cache cannot be written.
 */
export async function openStockImage(
  cacheDir: string,
  onProgress: (line: string) => void = () => {},
  signal?: AbortSignal,
): Promise<StockImage> {
  try {
    return await build(cacheDir, onProgress, signal);
  } catch (error) {
    if (signal?.aborted || isCoaxError(error)) throw error;
    throw new CoaxError('COAX_HYPERVISOR', `the guest image cannot be built: ${textOf(error)}`, {
      where: cacheDir,
      hint: 'COAX_CACHE names another folder for it.',
      cause: error,
    });
  }
}

async function build(
  cacheDir: string,
  onProgress: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<StockImage> {
  const busybox = readBusybox();
  const kernel = await findKernel(cacheDir, onProgress, signal);
  const vmlinuz = readFileSync(kernel.file);
  const modules = new Map([...kernel.modules].map(([name, file]) => [name, readFileSync(file)]));
  const initramfs = buildInitramfs(busybox, modules);
  const id = createHash('sha256').update(vmlinuz).update(initramfs).digest('hex').slice(0, 16);
  const place = join(cacheDir, 'image', id);
  const isWhole =
    sizeOf(join(place, 'vmlinuz')) === vmlinuz.length && sizeOf(join(place, INITRD)) === initramfs.length;
  if (!isWhole) {
    rmSync(place, { recursive: true, force: true }); // what a power cut left, if anything
    mkdirSync(join(cacheDir, 'image'), { recursive: true, mode: 0o700 });
    const fresh = mkdtempSync(join(cacheDir, 'image', '.new-'));
    try {
      writeFileSync(join(fresh, INITRD), initramfs);
      copyFileSync(kernel.file, join(fresh, 'vmlinuz'));
      putFolder(fresh, place);
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
    onProgress(`stock image ${id} built: Linux ${kernel.release} with busybox`);
  }
  return {
    id,
    kernel: join(place, 'vmlinuz'),
    initrd: join(place, INITRD),
    release: kernel.release,
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? -1;
}

/** The statically linked busybox: the guest has no C library. */
function readBusybox(): Buffer {
  const file = findProgram('busybox');
  const data = file === null ? null : readFileSync(file);
  if (data && isStatic(data)) return data;
  throw new CoaxError(
    'COAX_TOOL_MISSING',
    data ? `${file} needs shared libraries, which the guest does not have` : 'busybox is not installed',
    { hint: 'Run `apt-get install busybox-static` as root; --simulate works without.' },
  );
}

/** An ELF file without a program header that names an interpreter (PT_INTERP, elf(5)). */
export function isStatic(elf: Buffer): boolean {
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2) return false;
  const start = Number(elf.readBigUInt64LE(32));
  const size = elf.readUInt16LE(54);
  const count = elf.readUInt16LE(56);
  for (let index = 0; index < count; index++) {
    if (elf.readUInt32LE(start + index * size) === 3) return false;
  }
  return true;
}
