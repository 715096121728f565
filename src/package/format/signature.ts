import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { CoaxError } from '../../errors/coax-error.ts';

/** What is signed begins so: a signature of something else can never pass for one of a manifest. */
const DOMAIN = 'coax package manifest 1\0';

const SignatureText = z.strictObject({
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hex. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
  /** Ed25519, base64. */
  signature: z.base64().max(200),
});

/** Content of `manifest.sig`. */
export type ManifestSignature = z.output<typeof SignatureText>;

export const SIGNATURE_BYTES_MAX = 4096;

const signed = (manifest: Uint8Array): Buffer => Buffer.concat([Buffer.from(DOMAIN), manifest]);

/** A key is known by the SHA-256 of its public half. */
const keyIdOf = (key: KeyObject): string =>
  hash('sha256', publicHalf(key).export({ type: 'spki', format: 'der' }));

const publicHalf = (key: KeyObject): KeyObject => (key.type === 'private' ? createPublicKey(key) : key);

/** Signs the bytes of a manifest. */
export function signManifest(manifest: Uint8Array, key: KeyObject): ManifestSignature {
  return { key: keyIdOf(key), signature: sign(null, signed(manifest), key).toString('base64') };
}

/** Errors: COAX_PACKAGE_REFUSED when the text is no signature. */
export function parseSignature(text: string, where: string): ManifestSignature {
  try {
    return SignatureText.parse(JSON.parse(text));
  } catch (error) {
    throw new CoaxError('COAX_PACKAGE_REFUSED', 'manifest.sig is no signature', { where, cause: error });
  }
}

/** Was the manifest signed by one of the trusted keys? Errors: COAX_PACKAGE_UNTRUSTED, which says why not. */
export function assertSigned(
  manifest: Uint8Array,
  signature: ManifestSignature | null,
  trusted: readonly KeyObject[],
  where: string,
): void {
  const key = trusted.find(candidate => keyIdOf(candidate) === signature?.key);
  if (signature !== null && key !== undefined) {
    if (verify(null, signed(manifest), publicHalf(key), Buffer.from(signature.signature, 'base64'))) return;
    throw untrusted(where, 'its signature does not fit its manifest');
  }
  throw untrusted(
    where,
    signature === null
      ? 'it is not signed'
      : `it is signed by the key ${signature.key.slice(0, 12)}…, which is not trusted here`,
  );
}

function untrusted(where: string, reason: string): CoaxError {
  return new CoaxError('COAX_PACKAGE_UNTRUSTED', `${where}: ${reason}`, { where });
}

/** Reads an Ed25519 key (PEM). `private` signs, `public` is trusted. Errors: COAX_USAGE. */
export function readKey(file: string, half: 'private' | 'public'): KeyObject {
  let key: KeyObject;
  try {
    const pem = readFileSync(file);
    key = half === 'private' ? createPrivateKey(pem) : createPublicKey(pem);
  } catch (error) {
    throw new CoaxError('COAX_USAGE', `${file} has no ${half} key: ${(error as Error).message}`, {
      where: file,
      hint:
        half === 'private'
          ? 'One is made by: openssl genpkey -algorithm ed25519 -out key.pem'
          : 'It is taken from the private one by: openssl pkey -in key.pem -pubout -out key.pub.pem',
    });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new CoaxError('COAX_USAGE', `the key is ${key.asymmetricKeyType}, and ed25519 is wanted`, {
      where: file,
      hint: 'One is made by: openssl genpkey -algorithm ed25519 -out key.pem',
    });
  }
  return key;
}
