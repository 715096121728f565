import type { Readable } from 'node:stream';
import type { ErrorCode } from '../errors/codes.ts';

/** A file that is to be stored. */
export interface LocalFile {
  readonly file: string;
  /** Of its bytes, 64 hex digits: a bucket checks what reaches it against that. */
  readonly sha256: string;
}

/** Bytes on their way out of a store. */
export interface StoredObject {
  /** Null if the store does not tell. */
  readonly bytes: number | null;
  readonly stream: Readable;
}

/**
 * Where files lie that are written once: a folder, or a bucket. Names have no slash. Every call raises the error of the
 * store's use (`ObjectUse`) when the place does not answer or refuses.
 */
export interface ObjectStore {
  /** A folder's path, or `s3://bucket/prefix`. */
  readonly place: string;
  /** Durable, under that name, when it resolves. */
  put(name: string, bytes: Buffer): Promise<void>;
  /** The same for what does not fit into memory. */
  putFile(name: string, local: LocalFile): Promise<void>;
  /** Null when there is none. */
  get(name: string): Promise<Buffer | null>;
  /** Null when there is none. The caller reads the stream to its end or destroys it. */
  open(name: string): Promise<StoredObject | null>;
  has(name: string): Promise<boolean>;
  /** Gone when it resolves, also when there was none. */
  remove(name: string): Promise<void>;
  /** Names, in order. */
  list(): Promise<readonly string[]>;
  /** A URL that gives the bytes to whoever has it, for so long; null for a place that has no such URLs. */
  link(name: string, seconds: number): Promise<string | null>;
}

/** What lies there, as errors tell it. */
export interface ObjectUse {
  /** Raised when the place does not answer or refuses. */
  readonly unavailable: ErrorCode;
  /** In words: "archives". */
  readonly what: string;
}
