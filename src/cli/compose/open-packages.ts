import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CoaxError, isCoaxError } from '../../errors/coax-error.ts';
import { runCommand } from '../../package/install/commands.ts';
import { PackageHost } from '../../package/install/package-host.ts';
import { packageModule } from '../../package/module/package-module.ts';
import type { RepositoryFiles } from '../../package/repository/repository-files.ts';
import { RepositoryOrFolder } from '../../package/repository/repository-or-folder.ts';
import { TrustedRepository } from '../../package/repository/trusted-repository.ts';
import { FolderSource } from '../../package/source/folder-source.ts';
import { REAL_DISK } from '../../package/store/disk.ts';
import type { ModuleDefinition } from '../../step/define-module.ts';
import { lockFile } from '../../store/sqlite/lock.ts';

/** The packages below a folder, which is made if it is not there. */
export function openPackageHost(root: string): PackageHost {
  // The umask has no say: whoever uses a package may be somebody else.
  if (mkdirSync(root, { recursive: true }) !== undefined) chmodSync(root, 0o755);
  return new PackageHost({ root, disk: REAL_DISK, run: runCommand, lock });
}

/** The lock of a database's folder, told as what it is here. */
function lock(file: string): { release(): void } {
  try {
    return lockFile(file);
  } catch (error) {
    if (!isCoaxError(error, 'COAX_STORE_LOCKED')) throw error;
    throw new CoaxError('COAX_STORE_LOCKED', 'another process is changing the packages here', {
      where: file,
      hint: 'Try again when it has ended.',
    });
  }
}

export interface ServedPackages {
  readonly dataDir: string;
  readonly installation: string;
  /** Is that host served here? */
  serves(host: string): boolean;
  /** Where a host's packages are. */
  rootOf(host: string): string;
  /** The server's repository, as it comes: nothing of it is believed before it verifies. */
  readonly files: RepositoryFiles;
}

/** Where a process that serves hosts keeps what it has verified last. */
export const trustFolder = (dataDir: string): string => join(dataDir, 'package-trust', 'host');

/** The module `package` of a process that serves hosts. Their packages come from the repository; before there is one, from the folder `archives`. */
export function openPackageModule({
  dataDir,
  installation,
  serves,
  rootOf,
  files,
}: ServedPackages): ModuleDefinition {
  const source = new RepositoryOrFolder(
    new TrustedRepository({ files, folder: trustFolder(dataDir) }),
    new FolderSource(join(dataDir, 'archives'), null),
  );
  const opened = new Map<string, PackageHost>();
  return packageModule({
    installation,
    hostAt(host) {
      if (!serves(host)) return null;
      const found = opened.get(host) ?? openPackageHost(rootOf(host));
      opened.set(host, found);
      return found;
    },
    sourceAt: () => source,
  });
}
