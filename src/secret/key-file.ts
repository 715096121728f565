import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { CoaxError, textOf } from '../errors/coax-error.ts';

/** One key of AES-256. Its id is a digest of it, so that two keys never share one. */
export interface SecretKey {
  /** 16 hex digits. */
  readonly id: string;
  readonly bytes: Buffer;
  /** Milliseconds since 1970. */
  readonly created: number;
}

export const KEY_BYTES = 32;

const contentSchema = z.strictObject({
  keys: z.array(z.strictObject({ key: z.base64().length(44), created: z.int().min(0) })).min(1),
});

/**
 * The keys of an installation, in a file that its owner alone may read: `{"keys": [{"key": BASE64, "created": MS}, …]}`, the
 * newest last. Another process may write it meanwhile: it is read again when it has changed.
 *
 * Errors: COAX_SECRET_KEY_FILE when it cannot be read or written, or others may read it.
 */
export class KeyFile {
  readonly path: string;
  #stamp = '';
  #keys: readonly SecretKey[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** All keys, the newest last; none when there is no file. */
  list(): readonly SecretKey[] {
    const stat = statSync(this.path, { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) {
      this.#stamp = '';
      this.#keys = [];
      return this.#keys;
    }
    const stamp = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs, stat.mode].join();
    if (stamp === this.#stamp) return this.#keys;
    if ((Number(stat.mode) & 0o077) !== 0)
      throw this.#wrong('others than its owner may read it', `chmod 600 ${this.path}`);
    this.#keys = this.#read();
    this.#stamp = stamp;
    return this.#keys;
  }

  /** What new secrets are sealed with. Errors: COAX_SECRET_KEY_MISSING. */
  newest(): SecretKey {
    const key = this.list().at(-1);
    if (key !== undefined) return key;
    throw new CoaxError('COAX_SECRET_KEY_MISSING', 'this process has no key to seal a secret with', {
      where: this.path,
    });
  }

  /** Errors: COAX_SECRET_KEY_MISSING. */
  find(id: string): SecretKey {
    const key = this.#keys.find(key => key.id === id) ?? this.list().find(key => key.id === id);
    if (key !== undefined) return key;
    throw new CoaxError(
      'COAX_SECRET_KEY_MISSING',
      `a secret is sealed with the key ${id}, which is not here`,
      {
        where: this.path,
      },
    );
  }

  others(): readonly SecretKey[] {
    return this.list().slice(0, -1).reverse();
  }

  /** Adds a new key, which is then the newest. */
  add(created: number): SecretKey {
    const key = keyOf(randomBytes(KEY_BYTES), created);
    this.#write([...this.list(), key]);
    return key;
  }

  /** Forgets a key for good. */
  remove(id: string): void {
    this.#write(this.list().filter(key => key.id !== id));
  }

  #read(): readonly SecretKey[] {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      throw this.#wrong(textOf(error));
    }
    try {
      const { keys } = contentSchema.parse(JSON.parse(text));
      return keys.map(({ key, created }) => keyOf(Buffer.from(key, 'base64'), created));
    } catch {
      // The cause would quote the file.
      throw this.#wrong('it is not a file of keys');
    }
  }

  /** All of it or nothing, and on the disk before it counts. */
  #write(keys: readonly SecretKey[]): void {
    const next = `${this.path}.new`;
    const content = { keys: keys.map(({ bytes, created }) => ({ key: bytes.toString('base64'), created })) };
    try {
      rmSync(next, { force: true });
      const file = openSync(next, 'wx', 0o600);
      writeSync(file, `${JSON.stringify(content)}\n`);
      fsyncSync(file);
      closeSync(file);
      renameSync(next, this.path);
      const folder = openSync(dirname(this.path), 'r');
      fsyncSync(folder);
      closeSync(folder);
    } catch (error) {
      throw this.#wrong(textOf(error));
    }
    this.list();
  }

  #wrong(reason: string, hint?: string): CoaxError {
    return new CoaxError('COAX_SECRET_KEY_FILE', reason, { where: this.path, ...(hint && { hint }) });
  }
}

export function keyOf(bytes: Buffer, created: number): SecretKey {
  return {
    id: createHash('sha256').update('coax key\n').update(bytes).digest('hex').slice(0, 16),
    bytes,
    created,
  };
}
