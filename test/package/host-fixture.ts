/** A host's packages on a disk, and packages to put there. */
import { mkdirSync } from 'node:fs';
import { runCommand } from '../../src/package/install/commands.ts';
import { type Asker, PackageHost } from '../../src/package/install/package-host.ts';
import { FolderSource } from '../../src/package/source/folder-source.ts';
import { REAL_DISK } from '../../src/package/store/disk.ts';
import { lockFile } from '../../src/store/sqlite/lock.ts';
import { built, type Files } from './package-fixture.ts';

export const asker = (by = 'test'): Asker => ({ by, log() {} });

/** A host with its real disk and real commands. */
export function openHost(root: string): PackageHost {
  mkdirSync(root, { recursive: true });
  return new PackageHost({ root, disk: REAL_DISK, run: runCommand, lock: lockFile });
}

/** Builds packages into a folder, and gives it as a source. */
export async function sourceOf(
  dir: string,
  packages: readonly (readonly [name: string, version: string, files: Files, more?: string])[],
): Promise<FolderSource> {
  for (const [name, version, files, more = ''] of packages)
    await built(dir, `name: ${name}\nversion: ${version}\n${more}\n`, files);
  return new FolderSource(dir, null);
}

/** Fetches a package and switches to it. */
export async function install(host: PackageHost, source: FolderSource, wanted: string, by = 'test') {
  const [name, range = '*'] = wanted.split('@');
  const { packages, ...fetched } = await host.fetch({ name: name!, range }, source, asker(by));
  const generation = await host.switchTo(packages, asker(by));
  return { generation, fetched, packages };
}
