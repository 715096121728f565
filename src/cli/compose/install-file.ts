import { dirname, resolve } from 'node:path';
import { closeSpawners } from '../../linux/process/run-process.ts';
import { readKey } from '../../package/format/signature.ts';
import type { ListedPackage, PackageAt } from '../../package/install/package-host.ts';
import { ArchiveSource } from '../../package/source/archive-source.ts';
import { FolderSource } from '../../package/source/folder-source.ts';
import { openPackageHost } from './open-packages.ts';

export interface InstallFileOptions {
  readonly file: string;
  /** Files of public keys, one of which must have signed it; none: whoever names the file trusts it. */
  readonly trust: readonly string[];
  /** Where the packages of this host are. */
  readonly root: string;
  log(line: string): void;
}

/**
 * Installs one archive on this machine, with what it depends on from the archives beside it. No server is asked.
 * Errors: those of reading an archive and of installing.
 */
export async function installFile({
  file,
  trust,
  root,
  log,
}: InstallFileOptions): Promise<{ packages: readonly PackageAt[]; standing: readonly ListedPackage[] }> {
  const trusted = trust.length === 0 ? null : trust.map(key => readKey(key, 'public'));
  const path = resolve(file);
  const source = await ArchiveSource.open(path, trusted, new FolderSource(dirname(path), trusted));
  const { name, version } = source.manifestOfFile;
  const host = openPackageHost(resolve(root));
  const asker = { by: `coax package install --file ${path}`, log };
  try {
    const { packages } = await host.fetch({ name, range: version }, source, asker);
    await host.switchTo(packages, asker);
    return { packages, standing: await host.list() };
  } finally {
    await closeSpawners();
  }
}
