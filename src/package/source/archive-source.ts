import type { KeyObject } from 'node:crypto';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Content, ContentRef, ContentSource } from '../content-source.ts';
import { type ArchiveHead, archiveContents, openArchive } from '../format/archive.ts';
import type { Manifest } from '../format/manifest.ts';
import { assertSigned } from '../format/signature.ts';

/** One archive as a source, with another one for what it depends on. */
export class ArchiveSource implements ContentSource {
  readonly name: string;
  readonly #head: ArchiveHead;
  readonly #others: ContentSource | null;

  /**
   * `trusted`: keys, one of which must have signed it; null: whoever names the file trusts it.
   * Errors: COAX_PACKAGE_REFUSED, COAX_PACKAGE_UNTRUSTED, COAX_PACKAGE_NOT_FOUND.
   */
  static async open(
    file: string,
    trusted: readonly KeyObject[] | null,
    others: ContentSource | null = null,
  ): Promise<ArchiveSource> {
    const head = await openArchive(file);
    if (trusted !== null) assertSigned(head.manifestBytes, head.signature, trusted, file);
    return new ArchiveSource(head, others);
  }

  private constructor(head: ArchiveHead, others: ContentSource | null) {
    this.#head = head;
    this.#others = others;
    this.name = others === null ? head.file : `${head.file} with ${others.name}`;
  }

  /** The package in the archive. */
  get manifestOfFile(): Manifest {
    return this.#head.manifest;
  }

  async versions(name: string, signal?: AbortSignal): Promise<readonly string[]> {
    const { manifest } = this.#head;
    return name === manifest.name ? [manifest.version] : ((await this.#others?.versions(name, signal)) ?? []);
  }

  async manifest(name: string, version: string, signal?: AbortSignal): Promise<Uint8Array> {
    if (this.#has({ name, version })) return this.#head.manifestBytes;
    if (this.#others !== null) return await this.#others.manifest(name, version, signal);
    throw new CoaxError('COAX_PACKAGE_NOT_FOUND', `${name} ${version} is not in ${this.#head.file}`, {
      where: name,
    });
  }

  contents(manifest: Manifest, wanted: readonly ContentRef[], signal?: AbortSignal): AsyncIterable<Content> {
    return this.#others !== null && !this.#has(manifest)
      ? this.#others.contents(manifest, wanted, signal)
      : archiveContents(this.#head, wanted, signal);
  }

  #has({ name, version }: { readonly name: string; readonly version: string }): boolean {
    const { manifest } = this.#head;
    return name === manifest.name && version === manifest.version;
  }
}
