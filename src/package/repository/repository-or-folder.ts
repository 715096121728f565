import type { Content, ContentRef, ContentSource } from '../content-source.ts';
import type { Manifest } from '../format/manifest.ts';
import type { TrustedRepository } from './trusted-repository.ts';

/**
 * Where a host's packages come from: the repository, once there is one; until then a folder of archives. Nobody gets
 * behind that again: a host that has trusted a root takes nothing from the folder any more.
 */
export class RepositoryOrFolder implements ContentSource {
  readonly #repository: TrustedRepository;
  readonly #folder: ContentSource;
  /** Where the last answer came from. */
  name: string;

  constructor(repository: TrustedRepository, folder: ContentSource) {
    this.#repository = repository;
    this.#folder = folder;
    this.name = repository.name;
  }

  async versions(name: string, signal?: AbortSignal): Promise<readonly string[]> {
    return (await this.#source(signal)).versions(name, signal);
  }

  async manifest(name: string, version: string, signal?: AbortSignal): Promise<Uint8Array> {
    return (await this.#source(signal)).manifest(name, version, signal);
  }

  async *contents(
    manifest: Manifest,
    wanted: readonly ContentRef[],
    signal?: AbortSignal,
  ): AsyncGenerator<Content, void, void> {
    yield* (await this.#source(signal)).contents(manifest, wanted, signal) as AsyncGenerator<
      Content,
      void,
      void
    >;
  }

  async #source(signal?: AbortSignal): Promise<ContentSource> {
    const source = (await this.#repository.exists(signal)) ? this.#repository : this.#folder;
    this.name = source.name;
    return source;
  }
}
