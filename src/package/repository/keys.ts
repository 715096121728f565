import { createPrivateKey, generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Key, Signature } from '@tufjs/models';
import { CoaxError, textOf } from '../../errors/coax-error.ts';

/** The half of a key that everybody may know, as the metadata of a repository writes it. */
export interface PublicKey {
  /** SHA-256 of the key as The Update Framework writes it, 64 hex digits. */
  readonly id: string;
  /** The 32 bytes of an Ed25519 key (RFC 8032), in hex. */
  readonly public: string;
}

/** Signs metadata. */
export interface SigningKey extends PublicKey {
  sign(data: Buffer): Signature;
}

/** A new Ed25519 key, as PEM (PKCS #8). */
export function newKeyPem(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** Errors: COAX_REPOSITORY_KEY for what is no Ed25519 key. */
export function signingKey(pem: string, where: string): SigningKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw noKey(where, 'it holds no private key in PEM', cause);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw noKey(where, `it is a key of ${key.asymmetricKeyType}`);
  const { x = '' } = key.export({ format: 'jwk' });
  const half = publicKey(Buffer.from(x, 'base64url').toString('hex'));
  return {
    ...half,
    sign: data => new Signature({ keyID: half.id, sig: sign(null, data, key).toString('hex') }),
  };
}

/** A key by its public half. */
export function publicKey(hex: string): PublicKey {
  // The canonical JSON of the key: names in order, no spaces.
  const text = `{"keytype":"ed25519","keyval":{"public":"${hex}"},"scheme":"ed25519"}`;
  return { id: hash('sha256', text), public: hex };
}

export const tufKey = ({ id, public: half }: PublicKey): Key =>
  new Key({ keyID: id, keyType: 'ed25519', scheme: 'ed25519', keyVal: { public: half } });

/** Makes a key in a new file that only its owner reads. Errors: COAX_REPOSITORY_KEY when there is such a file. */
export async function createKeyFile(file: string): Promise<SigningKey> {
  const pem = newKeyPem();
  try {
    const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await handle.writeFile(pem);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw noKey(file, `it cannot be made: ${textOf(cause)}`, cause);
  }
  return signingKey(pem, file);
}

/** Errors: COAX_REPOSITORY_KEY, also for a file that others may read. */
export async function readKeyFile(file: string): Promise<SigningKey> {
  let pem: string;
  let mode: number;
  try {
    const handle = await open(file, 'r');
    try {
      ({ mode } = await handle.stat());
      pem = await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw noKey(file, `it cannot be read: ${textOf(cause)}`, cause);
  }
  if ((mode & 0o077) !== 0)
    throw new CoaxError('COAX_REPOSITORY_KEY', 'others than its owner may read or write this key', {
      where: file,
      hint: `If nobody has: \`chmod 600 ${file}\`. Else make a new key and rotate the root.`,
    });
  return signingKey(pem, file);
}

function noKey(where: string, reason: string, cause?: unknown): CoaxError {
  return new CoaxError('COAX_REPOSITORY_KEY', `the key cannot be used: ${reason}`, { where, cause });
}
