/** Where archive files lie: a folder, or a bucket. Files are written once and never changed. */
export interface ObjectStore {
  /** A folder's path, or `s3://bucket/prefix`. */
  readonly place: string;
  /** Durable, under that name, when it resolves. COAX_ARCHIVE_UNAVAILABLE. */
  put(name: string, bytes: Buffer): Promise<void>;
  /** Null when there is none. COAX_ARCHIVE_UNAVAILABLE. */
  get(name: string): Promise<Buffer | null>;
  /** Names, in order. COAX_ARCHIVE_UNAVAILABLE. */
  list(): Promise<readonly string[]>;
}
