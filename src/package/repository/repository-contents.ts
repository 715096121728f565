import { createHash, hash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import { CoaxError } from '../../errors/coax-error.ts';
import { type Manifest, parseManifest } from '../format/manifest.ts';
import { type PublishedPackage, targetObject } from './published.ts';
import type { RepositoryObjects } from './repository-files.ts';

/** Level 3 packs at some 160 MB/s on one core, and four times as fast as it packs it unpacks. */
const LEVEL = 3;
const TOGETHER = 16;

export const contentObject = (sha256: string): string => `${sha256}.zst`;

/** The contents and manifests that publishers bring, each stored once under its hash. */
export class RepositoryContents {
  readonly #objects: RepositoryObjects;
  readonly #tempDir: string;

  /** `tempDir`: where what comes in waits until it is whole. */
  constructor(objects: RepositoryObjects, tempDir: string) {
    this.#objects = objects;
    this.#tempDir = tempDir;
  }

  /** Which of these contents are not stored. */
  async missing(sha256s: readonly string[]): Promise<string[]> {
    const missing: string[] = [];
    for (let at = 0; at < sha256s.length; at += TOGETHER) {
      const some = sha256s.slice(at, at + TOGETHER);
      const there = await Promise.all(some.map(sha => this.#objects.contents.has(contentObject(sha))));
      missing.push(...some.filter((_, index) => !there[index]));
    }
    return missing;
  }

  /** Stores what the stream brings, if it is what its hash says. Errors: COAX_PACKAGE_REFUSED, COAX_REPOSITORY_UNAVAILABLE. */
  async take(sha256: string, stream: Readable): Promise<{ bytes: number }> {
    await mkdir(this.#tempDir, { recursive: true, mode: 0o700 });
    const file = join(this.#tempDir, randomBytes(12).toString('hex'));
    const plain = createHash('sha256');
    let bytes = 0;
    const measure = new Transform({
      transform(piece: Buffer, _, done) {
        plain.update(piece);
        bytes += piece.length;
        done(null, piece);
      },
    });
    try {
      const pack = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
      await pipeline(stream, measure, pack, createWriteStream(file, { flags: 'wx', mode: 0o600 }));
      const found = plain.digest('hex');
      if (found !== sha256)
        throw new CoaxError('COAX_PACKAGE_REFUSED', `the bytes that came have another hash: ${found}`, {
          where: sha256,
        });
      await this.#objects.contents.putFile(contentObject(sha256), { file, sha256: await hashOfFile(file) });
      return { bytes };
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Stores a manifest, once all that it names is there. Errors: COAX_PACKAGE_REFUSED. */
  async takeManifest(bytes: Buffer, where: string): Promise<Manifest> {
    const manifest = parseManifest(bytes, where);
    await this.#assertWhole(manifest);
    const { name, version } = manifest;
    await this.#objects.targets.put(targetObject({ name, version, sha256: hash('sha256', bytes) }), bytes);
    return manifest;
  }

  /** The manifest that was stored for a package. Errors: COAX_PACKAGE_REFUSED when it, or something that it names, is not there. */
  async storedManifest(of: PublishedPackage): Promise<{ manifest: Manifest; bytes: Buffer }> {
    const where = `${of.name}@${of.version}`;
    const bytes = await this.#objects.targets.get(targetObject(of));
    if (bytes === null || hash('sha256', bytes) !== of.sha256)
      throw new CoaxError('COAX_PACKAGE_REFUSED', 'its manifest is not stored', {
        where,
        hint: 'Publish the archive with `coax package publish`: it brings all that is missing.',
      });
    const manifest = parseManifest(bytes, where);
    await this.#assertWhole(manifest);
    return { manifest, bytes };
  }

  async #assertWhole(manifest: Manifest): Promise<void> {
    const missing = await this.missing(hashesOf(manifest));
    if (missing.length === 0) return;
    throw new CoaxError('COAX_PACKAGE_REFUSED', `${missing.length} of its contents are not stored`, {
      where: `${manifest.name}@${manifest.version}`,
      faults: missing.slice(0, 20).map(sha256 => ({ where: sha256, reason: 'not stored' })),
      hint: 'Publish the archive with `coax package publish`: it brings all that is missing.',
    });
  }
}

/** The hashes of all files of a package, each once. */
export function hashesOf({ entries }: Pick<Manifest, 'entries'>): string[] {
  return [...new Set(entries.flatMap(entry => (entry.type === 'file' ? [entry.sha256] : [])))];
}

async function hashOfFile(file: string): Promise<string> {
  const sum = createHash('sha256');
  await pipeline(createReadStream(file), sum);
  return sum.digest('hex');
}
