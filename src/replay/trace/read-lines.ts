import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { CoaxError, textOf } from '../../errors/coax-error.ts';

/** A line is a row of a few fields: longer is another kind of file. */
const LINE_MAX = 65_536;
const GZIP = 0x1f8b;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/**
 * The lines of a text file, plain or gzip (RFC 1952; told by its first two bytes, not by its name), read as a stream: memory
 * does not grow with the file. Lines end with LF or CR LF; empty ones are left out.
 *
 * Errors: COAX_USAGE when the file cannot be read, unpacked, or has no lines of a sane length.
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let number = 0;
  let rest = '';
  const shown = (text: string): Line => ({ number, text: text.endsWith('\r') ? text.slice(0, -1) : text });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const bytes of await openText(file)) {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) {
        number += 1;
        const line = shown(part);
        if (line.text !== '') yield line;
      }
      if (rest.length > LINE_MAX) throw notText(file, number + 1);
    }
    rest += decoder.decode();
  } catch (cause) {
    if (cause instanceof CoaxError) throw cause;
    if (cause instanceof TypeError) throw notText(file, number + 1);
    throw unreadable(file, cause);
  }
  if (rest === '') return;
  number += 1;
  yield shown(rest);
}

async function openText(file: string): Promise<AsyncIterable<Uint8Array>> {
  const stream = createReadStream(file);
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await chunks.next();
  const all = (async function* () {
    try {
      if (!first.done) yield first.value;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
    } finally {
      stream.destroy();
    }
  })();
  if (first.done || first.value.length < 2 || first.value.readUInt16BE(0) !== GZIP) return all;
  return unpacked(all);
}

async function* unpacked(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { pipeline } = await import('node:stream/promises');
  const gunzip = createGunzip();
  const fed = pipeline(packed, gunzip);
  // The error reaches the reader below through the stream.
  fed.catch(() => {});
  yield* gunzip as AsyncIterable<Uint8Array>;
  await fed;
}

function unreadable(file: string, cause: unknown): CoaxError {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const hint = code.startsWith('Z_')
    ? 'The gzip file is damaged or cut short: `gzip -t FILE` checks it.'
    : 'Give the path of a CSV file, plain or gzip.';
  return new CoaxError('COAX_USAGE', `the file cannot be read: ${textOf(cause)}`, {
    where: file,
    hint,
    cause,
  });
}

function notText(file: string, line: number): CoaxError {
  return new CoaxError('COAX_USAGE', 'this is not a CSV file in UTF-8', {
    where: `${file}:${line}`,
    hint: 'Give a CSV file, plain or gzip; docs/how-to/replay-a-trace.md has its columns.',
  });
}
