import { createHash } from 'node:crypto';
import { CoaxError } from '../../errors/coax-error.ts';
import type { ContentRef } from '../content-source.ts';

/**
 * Hands on bytes that should be that content, and ends well only if they were: never more than its size, and its SHA-256 at
 * the end. What came before the end is not to be believed until then. Errors: COAX_PACKAGE_REFUSED.
 */
export async function* verifiedBytes(
  bytes: AsyncIterable<Uint8Array>,
  { sha256, size }: ContentRef,
  where: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let given = 0;
  for await (const piece of bytes) {
    given += piece.length;
    if (given > size) throw unlike(where, `has more than the ${size} bytes that the manifest says`);
    hash.update(piece);
    yield piece;
  }
  if (given < size) throw unlike(where, `has ${given} bytes, and ${size} by the manifest`);
  const found = hash.digest('hex');
  if (found !== sha256) throw unlike(where, `has the SHA-256 ${found}, and ${sha256} by the manifest`);
}

function unlike(where: string, reason: string): CoaxError {
  return new CoaxError('COAX_PACKAGE_REFUSED', `${where} ${reason}`, { where });
}
