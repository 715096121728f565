import { satisfies } from 'semver';
import { CoaxError } from '../../errors/coax-error.ts';
import { type ArchiveHead, archiveContents, openArchive } from '../format/archive.ts';
import { digestOf } from '../format/manifest.ts';
import { verifiedBytes } from '../format/verified-bytes.ts';
import type { SigningKey } from './keys.ts';
import { makeTargets, parseMetadata, SIGNED_MS, signed, signersOf } from './metadata.ts';
import { type PublishedPackage, publishedIn, targetOf, targetPath } from './published.ts';
import { hashesOf } from './repository-contents.ts';

/** What a publisher asks of the server that keeps the repository. */
export interface PublisherCalls<Repository> {
  /** Root and targets as they are now, verified from the root that the publisher trusts: what is signed next stands on them. */
  current(): Promise<{ readonly root: Uint8Array; readonly targets: Uint8Array }>;
  missing(sha256s: readonly string[]): Promise<readonly string[]>;
  putContent(sha256: string, size: number, bytes: AsyncIterable<Uint8Array>): Promise<unknown>;
  putManifest(bytes: Uint8Array): Promise<unknown>;
  publish(targets: Buffer): Promise<Repository>;
}

export interface PublishOptions {
  readonly keys: readonly SigningKey[];
  /** Ms since 1970. */
  readonly now: number;
  /** How long the signatures hold, ms. */
  readonly holdsMs?: number;
  readonly onSent?: (sent: SentContent) => void;
}

export interface SentContent {
  readonly package: string;
  readonly sha256: string;
  readonly size: number;
}

export interface PublishReport<Repository> {
  readonly packages: readonly {
    readonly name: string;
    readonly version: string;
    readonly sha256: string;
    /** It was there already, just so. */
    readonly known: boolean;
    /** Contents that were sent, and those of the package in all. */
    readonly sent: number;
    readonly contents: number;
    readonly sentBytes: number;
  }[];
  readonly repository: Repository;
}

/**
 * Publishes archives: contents that the repository lacks, manifests, and then all packages by one signature. Until that is
 * there nobody sees any of it. Errors: COAX_PACKAGE_REFUSED, COAX_REPOSITORY_STATE, COAX_REPOSITORY_KEY.
 */
export async function publishArchives<Repository>(
  calls: PublisherCalls<Repository>,
  files: readonly string[],
  { keys, now, holdsMs = SIGNED_MS, onSent = () => {} }: PublishOptions,
): Promise<PublishReport<Repository>> {
  const heads = await Promise.all(files.map(file => openArchive(file)));
  const current = await calls.current();
  const root = parseMetadata('root', current.root, 'root');
  const before = parseMetadata('targets', current.targets, 'targets').signed;
  assertMaySign(signersOf(root, 'targets'), keys);
  const targets = { ...before.targets };
  const packages = [];
  for (const head of heads) {
    const { name, version } = head.manifest;
    const path = targetPath(name, version);
    const was = targets[path];
    const known = was?.hashes.sha256 === digestOf(head.manifestBytes);
    if (was !== undefined && !known)
      throw new CoaxError(
        'COAX_REPOSITORY_STATE',
        `${name}@${version} is published already, with other contents`,
        {
          where: head.file,
          hint: 'Give what has changed a version of its own.',
        },
      );
    const sent = await send(calls, head, onSent);
    if (!known) targets[path] = targetOf(head.manifest, head.manifestBytes, now);
    packages.push({ name, version, sha256: digestOf(head.manifestBytes), known, ...sent });
  }
  const next = makeTargets(before.version + 1, targets, now + holdsMs);
  return { packages, repository: await calls.publish(signed(next, keys)) };
}

/** Signs the targets as they are once more, so that they hold for longer. Errors: as `publishArchives`. */
export async function resignTargets<Repository>(
  calls: Pick<PublisherCalls<Repository>, 'current' | 'publish'>,
  { keys, now, holdsMs = SIGNED_MS }: PublishOptions,
): Promise<Repository> {
  const current = await calls.current();
  const root = parseMetadata('root', current.root, 'root');
  assertMaySign(signersOf(root, 'targets'), keys);
  const { version, targets } = parseMetadata('targets', current.targets, 'targets').signed;
  return calls.publish(signed(makeTargets(version + 1, targets, now + holdsMs), keys));
}

export interface UnpublishOptions extends PublishOptions {
  /** Also when another published package would find no version that suits it. */
  readonly force?: boolean;
}

/**
 * Signs the targets without these versions: from then on nobody can install them, and `Repository.collect` deletes their contents after a while. Errors:
 * COAX_PACKAGE_NOT_FOUND, COAX_PACKAGE_DEPENDENCY, and as `publishArchives`.
 */
export async function unpublishPackages<Repository>(
  calls: Pick<PublisherCalls<Repository>, 'current' | 'publish'>,
  gone: readonly { readonly name: string; readonly version: string }[],
  { keys, now, holdsMs = SIGNED_MS, force = false }: UnpublishOptions,
): Promise<Repository> {
  const current = await calls.current();
  const root = parseMetadata('root', current.root, 'root');
  assertMaySign(signersOf(root, 'targets'), keys);
  const before = parseMetadata('targets', current.targets, 'targets').signed;
  const targets = { ...before.targets };
  for (const { name, version } of gone) {
    const path = targetPath(name, version);
    if (targets[path] === undefined)
      throw new CoaxError('COAX_PACKAGE_NOT_FOUND', `${name}@${version} is not published`, {
        where: `${name}@${version}`,
      });
    delete targets[path];
  }
  const next = makeTargets(before.version + 1, targets, now + holdsMs);
  if (!force) assertNobodyLacks(publishedIn(before), publishedIn(next.signed));
  return calls.publish(signed(next, keys));
}

/** Who could be installed by what is published still can. */
function assertNobodyLacks(before: readonly PublishedPackage[], after: readonly PublishedPackage[]): void {
  const suits = (all: readonly PublishedPackage[], name: string, range: string): boolean =>
    all.some(each => each.name === name && satisfies(each.version, range, { includePrerelease: true }));
  for (const { name, version, dependencies } of after)
    for (const [needed, range] of Object.entries(dependencies))
      if (suits(before, needed, range) && !suits(after, needed, range))
        throw new CoaxError(
          'COAX_PACKAGE_DEPENDENCY',
          `${name}@${version} needs ${needed} ${range}, and no version of it would be left`,
          { where: `${name}@${version}`, hint: 'Unpublish that as well, or use --force.' },
        );
}

async function send(
  calls: PublisherCalls<unknown>,
  head: ArchiveHead,
  onSent: (sent: SentContent) => void,
): Promise<{ sent: number; contents: number; sentBytes: number }> {
  const { manifest, manifestBytes } = head;
  const hashes = hashesOf(manifest);
  const missing = new Set(await calls.missing(hashes));
  const refs = manifest.entries.flatMap(entry =>
    entry.type === 'file' && missing.delete(entry.sha256) ? [{ sha256: entry.sha256, size: entry.size }] : [],
  );
  const where = `${manifest.name}@${manifest.version}`;
  let sentBytes = 0;
  for await (const content of archiveContents(head, refs)) {
    await calls.putContent(content.sha256, content.size, verifiedBytes(content.bytes, content, head.file));
    sentBytes += content.size;
    onSent({ package: where, sha256: content.sha256, size: content.size });
  }
  await calls.putManifest(manifestBytes);
  return { sent: refs.length, contents: hashes.length, sentBytes };
}

/** Before anything is sent: enough of the keys may sign. */
function assertMaySign(
  { keys: allowed, threshold }: ReturnType<typeof signersOf>,
  keys: readonly SigningKey[],
): void {
  const able = new Set(keys.map(({ id }) => id).filter(id => allowed.some(key => key.id === id)));
  for (const key of keys)
    if (!able.has(key.id))
      throw new CoaxError(
        'COAX_REPOSITORY_KEY',
        `the key ${key.id.slice(0, 12)} may not sign packages here`,
        {
          where: key.id,
          hint: 'The root names the keys that may: `coax repository show`.',
        },
      );
  if (able.size < threshold)
    throw new CoaxError('COAX_REPOSITORY_KEY', `${threshold} keys must sign, and ${able.size} were given`, {
      where: '--key',
      hint: 'Give --key once for each.',
    });
}
