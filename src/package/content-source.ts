import type { Manifest } from './format/manifest.ts';

/** Bytes that are known by what they are. */
export interface ContentRef {
  /** SHA-256 of the bytes, 64 hex digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** One wanted content on its way. The bytes are read before the next one is asked for. */
export interface Content extends ContentRef {
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Where the packages of a host come from: a folder of archives, a repository. What a source answers is believed only in one
 * thing: that `manifest` gave the manifest which its publisher meant. (A repository checks signatures before it answers.)
 * Contents are checked by whoever takes them, byte for byte, against the manifest.
 */
export interface ContentSource {
  /** Says to people where that is. */
  readonly name: string;
  /** All versions of a package that there are, in any order; none if it does not know the package. */
  versions(name: string, signal?: AbortSignal): Promise<readonly string[]>;
  /**
   * The bytes of `manifest.json`, just as they were built: their SHA-256 is the identity of the package.
   * Errors: COAX_PACKAGE_NOT_FOUND.
   */
  manifest(name: string, version: string, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * The wanted contents of a package, each once, in whatever order suits the source. Nothing else is to be fetched: what a
   * host has already, it does not ask for. Errors: COAX_PACKAGE_NOT_FOUND for a content that the source lacks.
   */
  contents(manifest: Manifest, wanted: readonly ContentRef[], signal?: AbortSignal): AsyncIterable<Content>;
}
