import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CoaxError } from '../../errors/coax-error.ts';

/** DER of an Ed25519 public key before its 32 bytes (RFC 8410). */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const RAW_BYTES = 32;

/**
 * An Ed25519 public key in one form (SPKI, DER, base64), whichever of three it comes in: PEM, that, or its 32 bytes in
 * base64. Errors: COAX_MESSAGE_INVALID.
 */
export function readPublicKey(text: string): string {
  const der = derOf(text);
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (key.asymmetricKeyType === 'ed25519')
      return key.export({ format: 'der', type: 'spki' }).toString('base64');
  } catch {
    // Not a key at all: said below.
  }
  throw new CoaxError('COAX_MESSAGE_INVALID', 'that is not an Ed25519 public key', {
    where: '/publicKey',
    hint: 'Its SPKI as PEM or in base64, or its 32 bytes in base64.',
  });
}

function derOf(text: string): Buffer {
  const pem = /^-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/.exec(text.trim());
  const bytes = Buffer.from(pem?.[1] ?? text, 'base64');
  return bytes.length === RAW_BYTES ? Buffer.concat([SPKI_HEAD, bytes]) : bytes;
}

/** Was that text signed by the private half of this key (as `readPublicKey` gives it)? */
export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  if (publicKey === '') return false;
  const key: KeyObject = createPublicKey({
    key: Buffer.from(publicKey, 'base64'),
    format: 'der',
    type: 'spki',
  });
  return verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'));
}
