import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { type Fetcher, Updater } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import { CoaxError, isCoaxError, textOf } from '../../errors/coax-error.ts';
import type { Content, ContentRef, ContentSource } from '../content-source.ts';
import { digestOf, MANIFEST_BYTES_MAX, type Manifest } from '../format/manifest.ts';
import { parseMetadata } from './metadata.ts';
import { type PublishedPackage, publishedIn, targetObject, targetPath } from './published.ts';
import { contentObject } from './repository-contents.ts';
import { type RepositoryFiles, takeAtMost } from './repository-files.ts';

const TARGETS_BYTES_MAX = 64 * 1024 * 1024;
/** Contents that are asked for before they are read. */
const AHEAD = 4;
/** More than zstd ever adds to bytes that cannot be packed. */
const PACKED_SLACK = 64 * 1024;

export interface TrustOptions {
  readonly files: RepositoryFiles;
  /**
   * Where what was verified last is kept: whoever lost it can be given an older state. `root.json` in it is the root that is trusted;
   * a folder without one takes `root`.
   */
  readonly folder: string;
  /** The first root that is trusted; the repository's own first one if absent (trust on first use). */
  readonly root?: Uint8Array;
}

/**
 * A repository as a reader may believe it: every answer was verified from the trusted root down, by The Update Framework's client
 * (tuf-js). Signatures by enough keys, nothing expired, nothing older than what was seen before, no mixture of two states.
 */
export class TrustedRepository implements ContentSource {
  readonly name: string;
  readonly #files: RepositoryFiles;
  readonly #folder: string;
  readonly #root: Uint8Array | undefined;
  #refreshing: Promise<unknown> = Promise.resolve();
  #waiting: Promise<PublishedPackage[]> | null = null;
  #pinned = false;

  constructor({ files, folder, root }: TrustOptions) {
    this.name = files.name;
    this.#files = files;
    this.#folder = folder;
    this.#root = root;
  }

  /** All that is published now. Errors: COAX_REPOSITORY_UNTRUSTED, COAX_REPOSITORY_EXPIRED, COAX_REPOSITORY_UNAVAILABLE. */
  packages(signal?: AbortSignal): Promise<PublishedPackage[]> {
    // Whoever asks while another question waits for its turn gets the same answer: it is not older than the question.
    if (this.#waiting !== null) return this.#waiting;
    const next = this.#refreshing
      .catch(() => {})
      .then(() => {
        this.#waiting = null;
        return this.#refresh(signal);
      });
    this.#waiting = next;
    this.#refreshing = next;
    return next;
  }

  /** Is there a repository? Where a root is trusted already there must be one. Errors: COAX_REPOSITORY_UNAVAILABLE. */
  async exists(signal?: AbortSignal): Promise<boolean> {
    if (this.#root !== undefined || this.#pinned || existsSync(join(this.#folder, 'root.json'))) {
      this.#pinned = true;
      return true;
    }
    const stream = await this.#files.open('metadata', '1.root.json', signal);
    stream?.destroy();
    return stream !== null;
  }

  /** Root and targets as they are now: what a publisher signs next stands on them. Errors: as `packages`. */
  async current(signal?: AbortSignal): Promise<{ root: Uint8Array; targets: Uint8Array }> {
    await this.packages(signal);
    const read = (name: string): Promise<Buffer> => readFile(join(this.#folder, name));
    return { root: await read('root.json'), targets: await read('targets.json') };
  }

  async versions(name: string, signal?: AbortSignal): Promise<string[]> {
    const all = await this.packages(signal);
    return all.filter(published => published.name === name).map(({ version }) => version);
  }

  async manifest(name: string, version: string, signal?: AbortSignal): Promise<Uint8Array> {
    const all = await this.packages(signal);
    const found = all.find(published => published.name === name && published.version === version);
    if (found === undefined)
      throw new CoaxError(
        'COAX_PACKAGE_NOT_FOUND',
        `there is no package ${name}@${version} in ${this.name}`,
        {
          where: `${name}@${version}`,
          hint: '`coax package ls` lists what is published.',
        },
      );
    const where = `${this.name}/targets/${targetObject(found)}`;
    const stream = await this.#files.open('targets', targetObject(found), signal);
    if (stream === null) throw untrusted('the manifest that the signed metadata names is not there', where);
    const bytes = await takeAtMost(stream, MANIFEST_BYTES_MAX, where);
    if (digestOf(bytes) !== found.sha256)
      throw untrusted(`the manifest of ${targetPath(name, version)} is not the one that was signed`, where);
    return bytes;
  }

  /** Whoever takes the bytes checks them; here they end where they must at the latest. */
  async *contents(
    _: Manifest,
    wanted: readonly ContentRef[],
    signal?: AbortSignal,
  ): AsyncGenerator<Content, void, void> {
    const ahead: Promise<Readable | null>[] = [];
    const ask = (ref: ContentRef | undefined): void => {
      if (ref === undefined) return;
      const asked = this.#files.open('contents', contentObject(ref.sha256), signal);
      // Seen when its turn comes; until then its failure is nobody's.
      asked.catch(() => {});
      ahead.push(asked);
    };
    for (const ref of wanted.slice(0, AHEAD)) ask(ref);
    try {
      for (const [index, ref] of wanted.entries()) {
        const stream = await (ahead.shift() as Promise<Readable | null>);
        const where = `${this.name}/contents/${contentObject(ref.sha256)}`;
        if (stream === null)
          throw new CoaxError('COAX_PACKAGE_NOT_FOUND', 'a content of the package is not in its repository', {
            where,
          });
        ask(wanted[index + AHEAD]);
        yield { ...ref, bytes: unpacked(stream, ref.size, where) };
      }
    } finally {
      for (const asked of ahead) void asked.then(stream => stream?.destroy()).catch(() => {});
    }
  }

  async #refresh(signal?: AbortSignal): Promise<PublishedPackage[]> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    // The library writes in place; so it writes into a copy, and each file that it has verified is put back whole.
    const work = join(this.#folder, `.refresh-${process.pid}-${randomBytes(6).toString('hex')}`);
    await mkdir(work, { mode: 0o700 });
    try {
      const known = await this.#copyTo(work);
      if (!known.has('root.json')) await writeFile(join(work, 'root.json'), await this.#firstRoot(signal));
      try {
        await this.#updater(work, signal).refresh();
      } catch (error) {
        throw faultOf(error, this.name);
      } finally {
        await this.#putBack(work, known);
      }
      const bytes = await readFile(join(work, 'targets.json'));
      return publishedIn(parseMetadata('targets', bytes, this.name).signed);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  #updater(work: string, signal?: AbortSignal): Updater {
    try {
      return new Updater({
        metadataDir: work,
        metadataBaseUrl: 'coax://repository',
        fetcher: this.#fetcher(signal),
        config: { targetsMaxLength: TARGETS_BYTES_MAX },
      });
    } catch (error) {
      throw faultOf(error, `${this.name}: the trusted root`);
    }
  }

  #fetcher(signal?: AbortSignal): Fetcher {
    return {
      downloadBytes: async (url, maxLength) => {
        const name = decodeURIComponent(new URL(url).pathname.replace(/^\/+/, ''));
        const stream = await this.#files.open('metadata', name, signal);
        if (stream === null) throw new DownloadHTTPError(`there is no ${name}`, 404);
        return takeAtMost(stream, maxLength, `${this.name}/metadata/${name}`);
      },
      downloadFile: () => Promise.reject(new CoaxError('COAX_INTERNAL', 'targets are not asked for here')),
    };
  }

  async #firstRoot(signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#root !== undefined) return this.#root;
    const stream = await this.#files.open('metadata', '1.root.json', signal);
    if (stream === null)
      throw new CoaxError('COAX_REPOSITORY_STATE', 'there is no repository of packages there', {
        where: this.name,
        hint: '`coax repository init` makes it.',
      });
    return takeAtMost(stream, 512_000, `${this.name}/metadata/1.root.json`);
  }

  async #copyTo(work: string): Promise<Map<string, Buffer>> {
    const known = new Map<string, Buffer>();
    for (const name of await readdir(this.#folder)) {
      if (!/^(root|timestamp|snapshot|targets)\.json$/.test(name)) continue;
      const bytes = await readFile(join(this.#folder, name));
      known.set(name, bytes);
      await writeFile(join(work, name), bytes);
    }
    return known;
  }

  /** What was verified is kept though a later part was refused: so nobody is led back behind it. */
  async #putBack(work: string, known: ReadonlyMap<string, Buffer>): Promise<void> {
    let changed = false;
    for (const name of await readdir(work)) {
      const bytes = await readFile(join(work, name));
      if (known.get(name)?.equals(bytes)) continue;
      const file = await open(join(work, name), 'r');
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(join(work, name), join(this.#folder, name));
      await writeFile(join(work, name), bytes);
      changed = true;
    }
    if (!changed) return;
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

/** Unpacks a content; what is packed, and what comes out, is cut off beyond what it may be. */
async function* unpacked(
  stream: Readable,
  size: number,
  where: string,
): AsyncGenerator<Uint8Array, void, void> {
  const unpack = createZstdDecompress();
  const feed = new PassThrough();
  let packed = 0;
  let bytes = 0;
  const most = size + PACKED_SLACK;
  stream.on('data', (piece: Buffer) => {
    packed += piece.length;
    if (packed > most)
      stream.destroy(untrusted(`it goes on after the ${most} bytes that it may have`, where));
    else if (!feed.write(piece)) stream.pause();
  });
  feed.on('drain', () => stream.resume());
  stream.on('end', () => feed.end());
  stream.on('error', error => unpack.destroy(error));
  stream.on('close', () => {
    if (!stream.readableEnded && !unpack.destroyed) unpack.destroy(untrusted('it breaks off', where));
  });
  try {
    for await (const piece of feed.pipe(unpack) as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > size) throw untrusted(`it unpacks to more than its ${size} bytes`, where);
      yield piece;
    }
  } catch (error) {
    if (error instanceof CoaxError) throw error;
    throw untrusted(`it cannot be unpacked: ${textOf(error)}`, where, error);
  } finally {
    stream.destroy();
    unpack.destroy();
  }
}

/** What the library says, in our words: the library tells kinds of faults by its classes and its texts. */
function faultOf(error: unknown, where: string): CoaxError {
  if (isCoaxError(error)) return error;
  const text = textOf(error);
  const inner = /(?:metadata|targets) error (?:\w*Error: )?(.*)$/s.exec(text)?.[1] ?? text;
  // The library takes the text alone of what went wrong beneath.
  const unavailable = /COAX_REPOSITORY_UNAVAILABLE: (.*)$/s.exec(text)?.[1];
  if (unavailable !== undefined)
    return new CoaxError('COAX_REPOSITORY_UNAVAILABLE', unavailable, { where, cause: error });
  if (/is expired/.test(text))
    return new CoaxError('COAX_REPOSITORY_EXPIRED', `the metadata of packages is too old: ${inner}`, {
      where,
      cause: error,
    });
  return untrusted(`the repository does not verify: ${inner}`, where, error);
}

function untrusted(reason: string, where: string, cause?: unknown): CoaxError {
  return new CoaxError('COAX_REPOSITORY_UNTRUSTED', reason, { where, ...(cause !== undefined && { cause }) });
}

/**
 * Has that folder trust a root, as a file gives it; where one is trusted already nothing is changed. Errors:
 * COAX_REPOSITORY_UNTRUSTED for what is no root that its own keys have signed.
 */
export async function trustRoot(folder: string, root: Uint8Array, where: string): Promise<void> {
  const metadata = parseMetadata('root', root, where);
  try {
    metadata.verifyDelegate('root', metadata);
  } catch (error) {
    throw untrusted(`its own keys have not signed it: ${textOf(error)}`, where, error);
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (existsSync(join(folder, 'root.json'))) return;
  const part = join(folder, `.root-${process.pid}`);
  await writeFile(part, root, { flush: true });
  await rename(part, join(folder, 'root.json'));
}
