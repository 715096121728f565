import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Store, StoreTx } from '../store/store.ts';
import { KEY_BYTES, type KeyFile, keyOf, type SecretKey } from './key-file.ts';
import { type DataKeyRow, secretTables } from './schema.ts';

/** The number of a key that was one of the file: nothing new is sealed with it. */
const OF_FILE = 0;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Where the box finds what it seals and opens with. */
export interface Keys {
  /** What new secrets are sealed with. Errors: COAX_SECRET_KEY_MISSING. */
  newest(): SecretKey;
  /** Errors: COAX_SECRET_KEY_MISSING. */
  find(id: string): SecretKey;
  /** All others that something may have been sealed with, the newest first. */
  others(): readonly SecretKey[];
}

/**
 * The data keys of a store, in memory. Values are sealed with a data key, and of that the store has only what it is when wrapped by a key
 * of the key file: so all that was ever sealed comes under another key of the file when a few rows are wrapped anew, and no ciphertext in
 * the ledger, in archives or in copies changes (the scheme of NIST SP 800-57 part 1, 6.2.3.1, and of key management services).
 *
 * Where several servers share a store, another may have made a data key that is not known here: `learn` reads them again. Until this one
 * has, it seals with the key of the file itself.
 */
export class KeyRing implements Keys {
  readonly #store: Store;
  readonly #file: KeyFile;
  /** By number, the newest last, as the store has them. */
  #data: readonly { readonly key: SecretKey; readonly kek: string; readonly number: number }[] = [];
  /** Which there are, those too that nothing here unwraps. */
  #rows: readonly Pick<DataKeyRow, 'id' | 'kek'>[] = [];
  #reading: Promise<void> = Promise.resolve();
  #next: Promise<void> | null = null;

  constructor(store: Store, file: KeyFile) {
    this.#store = store;
    this.#file = file;
  }

  newest(): SecretKey {
    const { id } = this.#file.newest();
    const known = this.#data.findLast(({ kek, number }) => kek === id && number !== OF_FILE);
    if (known === undefined) this.#learnAside();
    return known?.key ?? this.#file.newest();
  }

  find(id: string): SecretKey {
    const known = this.#data.find(({ key }) => key.id === id);
    if (known !== undefined) return known.key;
    if (!this.#isOfFile(id)) this.#learnAside();
    return this.#file.find(id);
  }

  others(): readonly SecretKey[] {
    const newest = this.newest().id;
    const all = [...this.#data.map(({ key }) => key), ...this.#file.list()];
    const unique = new Map(all.map(key => [key.id, key]));
    return [...unique.values()].filter(({ id }) => id !== newest).sort((a, b) => b.created - a.created);
  }

  /** Those that a key of the file wraps; and that key itself, where values may be sealed with it and it is not kept by another. */
  behind(id: string): readonly string[] {
    const own = this.#rows.find(row => row.id === id);
    const wrapped = this.#rows.filter(({ kek }) => kek === id).map(row => row.id);
    return own === undefined || own.kek === id ? [...new Set([id, ...wrapped])] : wrapped;
  }

  /** Is it known here, or would only `learn` tell? Always so where no other server can make any. */
  has(id: string): boolean {
    return (
      !this.#store.capabilities.shared || this.#data.some(({ key }) => key.id === id) || this.#isOfFile(id)
    );
  }

  /** Reads the data keys again. Those whose key of the file is not here are left out. */
  async learn(): Promise<void> {
    // A read that is under way may have begun before what the caller knows of.
    this.#next ??= this.#reading
      .catch(() => {})
      .then(() => {
        this.#next = null;
        this.#reading = this.#read();
        return this.#reading;
      });
    return this.#next;
  }

  async #read(): Promise<void> {
    const rows = await secretTables(this.#store.reader)
      .selectFrom('secret_data_keys')
      .selectAll()
      .orderBy('number')
      .execute();
    const file = this.#file.list();
    this.#rows = rows.map(({ id, kek }) => ({ id, kek }));
    this.#data = rows.flatMap(row => {
      const by = file.find(({ id }) => id === row.kek);
      return by === undefined ? [] : [{ key: unwrap(row, by), kek: row.kek, number: Number(row.number) }];
    });
  }

  /** Whoever asked goes on without; the next one has it. */
  #learnAside(): void {
    if (this.#store.capabilities.shared) this.learn().catch(() => {});
  }

  #isOfFile(id: string): boolean {
    return this.#file.list().some(key => key.id === id);
  }
}

/** A new data key, wrapped by that key of the file: new secrets are sealed with it. */
export async function addDataKey({ db, now }: Pick<StoreTx, 'db' | 'now'>, by: SecretKey): Promise<void> {
  const key = keyOf(randomBytes(KEY_BYTES), now);
  const tables = secretTables(db);
  const last = await tables
    .selectFrom('secret_data_keys')
    .select(({ fn }) => fn.max('number').as('number'))
    .executeTakeFirst();
  const number = Number(last?.number ?? OF_FILE) + 1;
  await tables
    .insertInto('secret_data_keys')
    .values({ id: key.id, number, kek: by.id, wrapped: wrap(key, by), created: now })
    .execute();
}

/**
 * Has every data key wrapped by that key of the file, and keeps beside them the other keys of the file, by which values were sealed
 * themselves before there were data keys. Returns how many were wrapped anew. Errors: COAX_SECRET_KEY_MISSING.
 */
export async function wrapAll({ db }: Pick<StoreTx, 'db'>, file: KeyFile): Promise<number> {
  const tables = secretTables(db);
  const by = file.newest();
  const rows = await tables.selectFrom('secret_data_keys').selectAll().where('kek', '<>', by.id).execute();
  for (const row of rows)
    await tables
      .updateTable('secret_data_keys')
      .set({ kek: by.id, wrapped: wrap(unwrap(row, file.find(row.kek)), by) })
      .where('id', '=', row.id)
      .execute();
  const old = file.list().filter(({ id }) => id !== by.id);
  for (const key of old)
    await tables
      .insertInto('secret_data_keys')
      .values({ id: key.id, number: OF_FILE, kek: by.id, wrapped: wrap(key, by), created: key.created })
      .onConflict(conflict => conflict.column('id').doNothing())
      .execute();
  return rows.length;
}

/** AES-256-GCM with a new nonce; the ids of both keys are authenticated with it. Nonce and ciphertext as Base64. */
function wrap(key: SecretKey, by: SecretKey): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', by.bytes, iv);
  cipher.setAAD(boundTo(key.id, by.id));
  return Buffer.concat([iv, cipher.update(key.bytes), cipher.final(), cipher.getAuthTag()]).toString(
    'base64',
  );
}

/** Throws for what was changed. */
function unwrap({ id, kek, wrapped, created }: DataKeyRow, by: SecretKey): SecretKey {
  const bytes = Buffer.from(wrapped, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', by.bytes, bytes.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(boundTo(id, kek));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
  return { id, bytes: plain, created: Number(created) };
}

const boundTo = (id: string, kek: string): Buffer => Buffer.from(`coax data key\n${id}\n${kek}`);
