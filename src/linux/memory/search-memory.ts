import { Pagemap } from '../procfs/pagemap.ts';
import { type Mapping, readSmaps } from '../procfs/smaps.ts';
import { Cutter } from './cutter.ts';
import { PieceBook } from './piece-book.ts';
import { ProcessMemory } from './process-memory.ts';
import { type Repeat, repeatsOf } from './repeats.ts';

export interface MemorySearch {
  /** Found in what was read, the most bytes first. */
  readonly repeated: readonly Repeat[];
  readonly searchedBytes: number;
}

export interface MemorySearchOptions {
  /** Entries of `repeated` at most. */
  readonly limit: number;
  /** Reads the pages of files, too, where the process has not changed them. */
  readonly files?: boolean;
  onProgress?(searchedBytes: number, ofBytes: number): void;
}

const STRETCH_BYTES = 4 * 1024 * 1024;
/** Pieces that are followed to what they are pieces of, for each entry that is asked for. */
const PIECES_PER_ENTRY = 40;

/**
 * Finds what a process holds many times: texts and other content, in the pages that are in memory now. The process runs on meanwhile; what
 * it changes under way may be missed. Nothing is written to it and no page is brought in.
 *
 * Errors: LinuxError ESRCH, EACCES.
 */
export async function searchMemory(pid: number, options: MemorySearchOptions): Promise<MemorySearch> {
  const mappings = readSmaps(pid);
  const wanted = mappings.filter(mapping => isSearched(mapping, options.files ?? false));
  const ofBytes = wanted.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  using memory = new ProcessMemory(pid);
  using pages = new Pagemap(pid);
  const book = new PieceBook();
  const cutter = new Cutter(book);
  const buffer = Buffer.from(new ArrayBuffer(STRETCH_BYTES));
  const words = new Int32Array(buffer.buffer);
  let searchedBytes = 0;
  for (const { start, end } of wanted) {
    for (const stretch of pages.present(start, end, STRETCH_BYTES)) {
      const bytes = memory.read(stretch.start, buffer, stretch.bytes);
      cutter.take(words, bytes >> 2, stretch.start);
      searchedBytes += bytes;
      if (options.onProgress && searchedBytes % (16 * STRETCH_BYTES) < bytes) {
        options.onProgress(searchedBytes, ofBytes);
        // Whoever shows the progress gets a turn.
        await new Promise(resolve => setImmediate(resolve));
      }
    }
    cutter.end();
  }
  const pieces = book.repeated(PIECES_PER_ENTRY * options.limit);
  return { repeated: repeatsOf(pieces, { memory, mappings }, options.limit), searchedBytes };
}

function isSearched(
  { permissions, name, flags, rssBytes, anonymousBytes }: Mapping,
  files: boolean,
): boolean {
  if (!permissions.startsWith('r') || rssBytes === 0) return false;
  if (flags.includes('io') || flags.includes('pf') || name === '[vvar]' || name === '[vsyscall]')
    return false;
  return files || anonymousBytes > 0 || !name.startsWith('/');
}
