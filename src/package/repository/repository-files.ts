import type { Readable } from 'node:stream';
import { CoaxError } from '../../errors/coax-error.ts';
import type { ErrorCode } from '../../errors/codes.ts';
import type { ObjectStore, ObjectUse } from '../../object-store/object-store.ts';

/** How the places of packages tell of faults. */
export const PACKAGES: ObjectUse = { unavailable: 'COAX_REPOSITORY_UNAVAILABLE', what: 'packages' };

/**
 * `metadata`: what the four roles signed, as `timestamp.json` or `7.targets.json`. `targets`: manifests, as
 * `SHA256.NAME@VERSION.json`. `contents`: the bytes of files, packed by zstd, as `SHA256.zst` after what they are unpacked.
 */
export type FileKind = 'metadata' | 'targets' | 'contents';

/** The files of a repository as a reader gets them: from a store, a server, a mirror. None of these is believed. */
export interface RepositoryFiles {
  /** Says to people where that is. */
  readonly name: string;
  /** Null when there is none. The caller reads the stream or destroys it. Errors: COAX_REPOSITORY_UNAVAILABLE. */
  open(kind: FileKind, name: string, signal?: AbortSignal): Promise<Readable | null>;
}

/** Nothing else of the place is given out. */
export const isFileName = (kind: 'targets' | 'contents', name: string): boolean =>
  (kind === 'contents' ? /^[0-9a-f]{64}\.zst$/ : /^[0-9a-f]{64}\.[0-9a-z-]+@[0-9A-Za-z.-]+\.json$/).test(
    name,
  );

/** The three places of a repository: folders beside each other, or prefixes of a bucket. */
export type RepositoryObjects = Readonly<Record<FileKind, ObjectStore>>;

/** A repository read straight from its store. */
export function filesIn(objects: RepositoryObjects): RepositoryFiles {
  return {
    name: objects.metadata.place.replace(/\/metadata$/, ''),
    open: async (kind, name) => (await objects[kind].open(name))?.stream ?? null,
  };
}

/** All bytes of a stream, no more than `most`: what goes on beyond is cut off. Errors: `fault`. */
export async function takeAtMost(
  stream: Readable,
  most: number,
  where: string,
  fault: ErrorCode = 'COAX_REPOSITORY_UNTRUSTED',
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      bytes += piece.length;
      if (bytes > most)
        throw new CoaxError(fault, `it goes on after the ${most} bytes that it may have`, { where });
      pieces.push(piece);
    }
  } finally {
    stream.destroy();
  }
  return Buffer.concat(pieces);
}
