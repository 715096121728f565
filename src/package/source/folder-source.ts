import type { KeyObject } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Content, ContentRef, ContentSource } from '../content-source.ts';
import { archiveContents, openArchive } from '../format/archive.ts';
import type { Manifest } from '../format/manifest.ts';
import { assertSigned } from '../format/signature.ts';

const ENDING = '.tar.zst';

/** A folder of archives, named as they were built, as a source. It is read anew each time. */
export class FolderSource implements ContentSource {
  readonly name: string;
  readonly #dir: string;
  readonly #trusted: readonly KeyObject[] | null;

  /** `trusted`: keys, one of which must have signed each archive; null: whoever names the folder trusts it. */
  constructor(dir: string, trusted: readonly KeyObject[] | null) {
    this.#dir = dir;
    this.#trusted = trusted;
    this.name = dir;
  }

  async versions(name: string): Promise<readonly string[]> {
    const files = await readdir(this.#dir).catch(error => {
      if (error.code === 'ENOENT')
        throw new CoaxError(
          'COAX_PACKAGE_NOT_FOUND',
          `there are no packages to install: no folder ${this.#dir}, no repository`,
          {
            where: this.#dir,
            hint: '`coax repository init` begins a repository, `coax package publish` fills it.',
          },
        );
      throw new CoaxError('COAX_PACKAGE_NOT_FOUND', `${this.#dir} cannot be read: ${error.message}`, {
        where: this.#dir,
      });
    });
    return files
      .filter(file => file.startsWith(`${name}-`) && file.endsWith(ENDING))
      .map(file => file.slice(name.length + 1, -ENDING.length))
      .filter(version => /^\d/.test(version));
  }

  async manifest(name: string, version: string, signal?: AbortSignal): Promise<Uint8Array> {
    const file = this.#file(name, version);
    const { manifestBytes, signature } = await openArchive(file, signal);
    if (this.#trusted !== null) assertSigned(manifestBytes, signature, this.#trusted, file);
    return manifestBytes;
  }

  async *contents(
    { name, version }: Manifest,
    wanted: readonly ContentRef[],
    signal?: AbortSignal,
  ): AsyncGenerator<Content> {
    yield* archiveContents(await openArchive(this.#file(name, version), signal), wanted, signal);
  }

  #file(name: string, version: string): string {
    return join(this.#dir, `${name}-${version}${ENDING}`);
  }
}
