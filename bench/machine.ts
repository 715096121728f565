import { statfsSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';

/** Types of file systems by the numbers of statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  16914836: 'tmpfs (nothing is durable there)',
  2035054128: 'overlayfs',
};

/** What the figures depend on, in one line. */
export function machine(): string {
  const cores = cpus();
  const disk = statfsSync(tmpdir()).type;
  return [
    `${cores.length} cores (${cores[0]?.model.trim() ?? 'unknown'})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${type()} ${release()}`,
    `${FILE_SYSTEMS[disk] ?? `file system 0x${disk.toString(16)}`} at ${tmpdir()}`,
    `Node ${process.versions.node}`,
    `SQLite ${process.versions.sqlite}`,
  ].join(', ');
}
