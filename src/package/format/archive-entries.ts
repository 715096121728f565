import { createReadStream } from 'node:fs';
import { pipeline, Transform } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { type Entry, extract } from 'tar-stream';
import { CoaxError, isCoaxError } from '../../errors/coax-error.ts';

/** What may come between two entries: long names, padding, and what the streams hold on the way. */
const SLACK_BYTES = 1024 * 1024;

/**
 * The entries of a `.tar.zst`, one after another; each is to be read, or resumed, before the next. Memory is bounded whatever
 * the file says: unpacked bytes are let through only as far as entries that were handed out have room for.
 * Errors: COAX_PACKAGE_REFUSED for what is no such archive.
 */
export async function* archiveEntries(file: string, signal?: AbortSignal): AsyncGenerator<Entry> {
  let allowed = SLACK_BYTES;
  let passed = 0;
  const bound = new Transform({
    transform(piece: Buffer, _encoding, done) {
      passed += piece.length;
      if (passed <= allowed) done(null, piece);
      else done(refused(file, 'it unpacks to more than its entries have room for'));
    },
  });
  const entries = extract();
  const source = createReadStream(file, signal ? { signal } : {});
  let fault: Error | null = null;
  pipeline(source, createZstdDecompress(), bound, entries, error => {
    fault = error ?? null;
  });
  try {
    for await (const entry of entries) {
      allowed += Math.ceil((entry.header.size ?? 0) / 512) * 512 + 2048;
      yield entry;
    }
  } catch (error) {
    throw faultOf(fault ?? (error as Error), file);
  } finally {
    source.destroy();
  }
}

function faultOf(error: Error & { code?: string }, file: string): Error {
  if (isCoaxError(error) || error.name === 'AbortError') return error;
  if (error.code === 'ENOENT')
    return new CoaxError('COAX_PACKAGE_NOT_FOUND', `there is no file ${file}`, { where: file });
  if (error.code?.startsWith('E') && !error.code.startsWith('ERR_')) return error;
  return refused(file, `it is no archive of tar and zstd, or is cut off: ${error.message}`);
}

export function refused(where: string, reason: string): CoaxError {
  return new CoaxError('COAX_PACKAGE_REFUSED', `${where}: ${reason}`, { where });
}
