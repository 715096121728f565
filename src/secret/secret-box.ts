import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { CoaxError } from '../errors/coax-error.ts';
import { canonical } from '../message/canonical.ts';
import type { Json } from '../message/message.ts';
import { type Sealed, sealed } from '../message/secret/sealed.ts';
import type { SecretKey } from './key-file.ts';
import type { Keys } from './key-ring.ts';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals and opens single values: AES-256-GCM (NIST SP 800-38D) over the value's canonical JSON, a new nonce for each. The
 * key's id is authenticated with it.
 */
export class SecretBox {
  readonly keys: Keys;

  constructor(keys: Keys) {
    this.keys = keys;
  }

  /**
   * A value, sealed by the newest key. With `once`, the same text and value under the same key give the same envelope, so that
   * a request can be told to be the same again; nothing else can be told from it, since another text gives another nonce.
   * Errors: COAX_SECRET_KEY_MISSING.
   */
  seal(value: Json, once?: string, key: SecretKey = this.keys.newest()): Sealed {
    const plain = Buffer.from(canonical(value));
    const iv = once === undefined ? randomBytes(IV_BYTES) : nonceOf(key, once, plain);
    const cipher = createCipheriv('aes-256-gcm', key.bytes, iv);
    cipher.setAAD(Buffer.from(key.id));
    const data = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    return sealed(key.id, iv.toString('base64url'), data.toString('base64url'));
  }

  /** Errors: COAX_SECRET_KEY_MISSING; COAX_SECRET_BROKEN for what no key here has sealed. */
  open({ $secret: { key: id, iv = '', data = '' } }: Sealed): Json {
    const key = this.keys.find(id);
    const bytes = Buffer.from(data, 'base64url');
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, Buffer.from(iv, 'base64url'), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(id));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const plain = Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]);
      return JSON.parse(plain.toString('utf8')) as Json;
    } catch {
      // The cause may quote what was opened.
      throw new CoaxError('COAX_SECRET_BROKEN', `a secret does not verify under the key ${id}`, {
        where: id,
      });
    }
  }
}

/** A nonce that only the same text and value give again under that key; the key for it is another than the cipher's. */
function nonceOf(key: SecretKey, once: string, plain: Buffer): Buffer {
  const own = createHmac('sha256', key.bytes).update('coax nonce').digest();
  const mac = createHmac('sha256', own)
    .update(`${Buffer.byteLength(once)}\n${once}\n`)
    .update(plain);
  return mac.digest().subarray(0, IV_BYTES);
}
