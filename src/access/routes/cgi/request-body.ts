import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CoaxError } from '../../../errors/coax-error.ts';
import { withStatus } from '../../problem.ts';

/** Larger bodies wait in a file rather than in memory. */
const MEMORY_MAX_BYTES = 64 * 1024;

/** The body of a request, whole: only then is its length known, which a script is told first. */
export interface RequestBody {
  /** Null if the request has none. */
  readonly bytes: number | null;
  readonly input: Uint8Array | { readonly file: string };
  /** Removes its file, if there is one. */
  free(): Promise<void>;
}

const EMPTY = new Uint8Array(0);
const nothing = async (): Promise<void> => {};

/**
 * Takes in the body, chunked or not. What is large waits in a file in `folder`, of mode 0600. Errors: COAX_MESSAGE_TOO_LARGE
 * (413); that of the connection when it breaks off.
 */
export async function takeBody(raw: IncomingMessage, maxBytes: number, folder: string): Promise<RequestBody> {
  const { 'content-length': declared, 'transfer-encoding': coding } = raw.headers;
  if (declared === undefined && coding === undefined) return { bytes: null, input: EMPTY, free: nothing };
  if (Number(declared ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    pieces.push(piece);
    if (bytes > MEMORY_MAX_BYTES) return spool(raw, Buffer.concat(pieces), maxBytes, folder);
  }
  return { bytes, input: Buffer.concat(pieces), free: nothing };
}

async function spool(
  raw: IncomingMessage,
  begin: Buffer,
  maxBytes: number,
  folder: string,
): Promise<RequestBody> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, randomBytes(12).toString('hex'));
  const free = (): Promise<void> => rm(file, { force: true });
  let bytes = begin.length;
  async function* all(): AsyncGenerator<Buffer> {
    yield begin;
    for await (const piece of raw as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      yield piece;
    }
  }
  try {
    await pipeline(all(), createWriteStream(file, { flags: 'wx', mode: 0o600 }));
    return { bytes, input: { file }, free };
  } catch (error) {
    await free();
    throw error;
  }
}

function tooLarge(maxBytes: number): CoaxError {
  const reason = `the body is larger than ${Math.floor(maxBytes / 1024 / 1024)} MiB`;
  const hint = 'A larger `bodyMib` in cgi.yaml lets it through.';
  return withStatus(new CoaxError('COAX_MESSAGE_TOO_LARGE', reason, { hint }), 413);
}
