import { TargetFile, type Targets } from '@tufjs/models';
import { CoaxError } from '../../errors/coax-error.ts';
import { digestOf, type Manifest } from '../format/manifest.ts';

/** One version of a package, as the signed metadata tells it without its manifest being read. */
export interface PublishedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly about: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly files: number;
  /** Bytes of all its files. */
  readonly bytes: number;
  /** SHA-256 of its manifest: the identity of the package. */
  readonly sha256: string;
  /** Ms since 1970, as the publisher's clock had it. */
  readonly published: number;
}

/** The name that a manifest has among the targets. */
export const targetPath = (name: string, version: string): string => `${name}@${version}.json`;

/** The target of a manifest: its length and hash, and what lists show. */
export function targetOf(manifest: Manifest, bytes: Uint8Array, published: number): TargetFile {
  const { name, version, architecture, about, dependencies } = manifest;
  const sizes = manifest.entries.flatMap(entry => (entry.type === 'file' ? [entry.size] : []));
  return new TargetFile({
    path: targetPath(name, version),
    length: bytes.length,
    hashes: { sha256: digestOf(bytes) },
    unrecognizedFields: {
      custom: {
        name,
        version,
        architecture,
        about,
        dependencies: { ...dependencies },
        files: sizes.length,
        bytes: sizes.reduce((sum, size) => sum + size, 0),
        published,
      },
    },
  });
}

/** All versions that the metadata names. Errors: COAX_REPOSITORY_UNTRUSTED for a target that is not of our making. */
export function publishedIn(targets: Targets): PublishedPackage[] {
  return Object.entries(targets.targets).map(([path, target]) => {
    const custom = target.custom as Partial<PublishedPackage>;
    const { name, version, architecture, about, dependencies, files, bytes, published } = custom;
    const sha256 = target.hashes.sha256;
    if (
      typeof name !== 'string' ||
      typeof version !== 'string' ||
      path !== targetPath(name, version) ||
      sha256 === undefined
    )
      throw new CoaxError('COAX_REPOSITORY_UNTRUSTED', 'a target is no package', { where: path });
    return {
      name,
      version,
      architecture: architecture ?? 'any',
      about: about ?? '',
      dependencies: dependencies ?? {},
      files: files ?? 0,
      bytes: bytes ?? 0,
      sha256,
      published: published ?? 0,
    };
  });
}

/** The name under which a manifest is stored: its hash first, as consistent snapshots have it. */
export const targetObject = ({
  name,
  version,
  sha256,
}: Pick<PublishedPackage, 'name' | 'version' | 'sha256'>): string => `${sha256}.${targetPath(name, version)}`;
