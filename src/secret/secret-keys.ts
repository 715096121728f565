import { CoaxError } from '../errors/coax-error.ts';
import { assertUnchanged, type Versions } from '../message/version/version.ts';
import type { Store, StoreTx } from '../store/store.ts';
import type { KeyFile } from './key-file.ts';
import { addDataKey, type KeyRing, wrapAll } from './key-ring.ts';
import { secretTables } from './schema.ts';

/** Something beside the messages that keeps secrets of its own, and can seal them anew with another key. */
export interface KeepsSecrets {
  /** Seals all of them with the newest key. Returns how many. */
  reseal(): Promise<number>;
  /** How many are sealed with that key. */
  sealedWith(id: string): Promise<number>;
}

export interface SecretKeyState {
  /** Its place among them: later ones have greater numbers. */
  readonly number: number;
  readonly id: string;
  readonly created: number;
  /** New secrets are sealed with it. */
  readonly newest: boolean;
  /** This server has it. */
  readonly here: boolean;
  /** Messages that still need it: all that hold a secret of it and are not rolled back. */
  readonly messages: number;
}

/** The keys of an installation: one file beside the store, and in the store which keys there are. */
export class SecretKeys {
  readonly #store: Store;
  readonly #file: KeyFile;
  readonly #ring: KeyRing;
  readonly #others: KeepsSecrets[] = [];

  constructor(store: Store, file: KeyFile, ring: KeyRing) {
    this.#store = store;
    this.#file = file;
    this.#ring = ring;
  }

  /**
   * Makes the first key of a store that has none. A process that comes to a store with keys that its file does not have goes on
   * without: what needs them says so. Errors: COAX_SECRET_KEY_FILE.
   */
  async open(): Promise<void> {
    const mine = this.#file.list();
    await this.#store.transact(async tx => {
      const db = secretTables(tx.db);
      const known = await db.selectFrom('secret_keys').select(['number', 'id']).orderBy('number').execute();
      if (known.length === 0 && mine.length === 0) {
        const key = this.#file.add(tx.now);
        await db.insertInto('secret_keys').values({ number: 1, id: key.id, created: tx.now }).execute();
        await addDataKey(tx, key);
        return;
      }
      // A file that was laid here beforehand.
      const missing = mine.filter(key => !known.some(({ id }) => id === key.id));
      let number = Number(known.at(-1)?.number ?? 0);
      for (const { id, created } of missing)
        await db.insertInto('secret_keys').values({ number: ++number, id, created }).execute();
      const newest = mine.at(-1);
      if (newest !== undefined && !(await hasDataKey(tx, newest.id))) await addDataKey(tx, newest);
    });
    await this.#ring.learn();
  }

  /** Tells of secrets beside those of messages. */
  add(others: KeepsSecrets): void {
    this.#others.push(others);
  }

  async list(): Promise<readonly SecretKeyState[]> {
    await this.#ring.learn();
    const mine = this.#file.list();
    const newest = mine.at(-1)?.id;
    const known = await secretTables(this.#store.reader)
      .selectFrom('secret_keys')
      .selectAll()
      .orderBy('number')
      .execute();
    return Promise.all(
      known.map(async ({ number, id, created }) => ({
        number: Number(number),
        id,
        created: Number(created),
        newest: id === newest,
        here: mine.some(key => key.id === id),
        messages: await this.#needing(this.#ring.behind(id)),
      })),
    );
  }

  /** A new key: new secrets are sealed with it, and what is kept beside the messages anew. Returns its id. Errors: COAX_CHANGED. */
  async rotate(seenAs?: Versions): Promise<string> {
    this.#file.newest();
    const id = await this.#store.transact(async tx => {
      const db = secretTables(tx.db);
      await assertSeen(tx, seenAs);
      const last = await db
        .selectFrom('secret_keys')
        .select(({ fn }) => fn.max('number').as('number'))
        .executeTakeFirst();
      const key = this.#file.add(tx.now);
      await db
        .insertInto('secret_keys')
        .values({ number: Number(last?.number ?? 0) + 1, id: key.id, created: tx.now })
        .execute();
      await addDataKey(tx, key);
      return key.id;
    });
    await this.#ring.learn();
    for (const others of this.#others) await others.reseal();
    return id;
  }

  /**
   * Has all that was ever sealed come under the newest key: what wraps the data keys is changed in one transaction, so a process that dies
   * leaves it as it was or done, and it may be begun again. No older key of the file is needed after it, by messages, archives or copies of
   * what there is now. Errors: COAX_CHANGED; COAX_SECRET_KEY_MISSING when an older key is not here.
   */
  async reseal(seenAs?: Versions): Promise<number> {
    const count = await this.#store.transact(async tx => {
      await assertSeen(tx, seenAs);
      return wrapAll(tx, this.#file);
    });
    await this.#ring.learn();
    for (const others of this.#others) await others.reseal();
    return count;
  }

  /**
   * Forgets a key: what is sealed with it can never be opened again. Errors: COAX_NOT_FOUND; COAX_SECRET_KEY_NEEDED for the
   * newest key and for one that a message may still need.
   */
  async drop(id: string, seenAs?: Versions): Promise<void> {
    const key = (await this.list()).find(key => key.id === id);
    if (key === undefined) throw new CoaxError('COAX_NOT_FOUND', `there is no key ${id}`, { where: id });
    const needed = (reason: string, hint?: string): CoaxError =>
      new CoaxError('COAX_SECRET_KEY_NEEDED', reason, { where: id, ...(hint !== undefined && { hint }) });
    if (key.newest)
      throw needed(
        `new secrets are sealed with the key ${id}`,
        '`coax secret-key rotate` makes another one first.',
      );
    let count = key.messages;
    const behind = this.#ring.behind(id);
    for (const others of this.#others) for (const one of behind) count += await others.sealedWith(one);
    if (count > 0)
      throw needed(
        `${count} messages or webhooks may still need the key ${id}`,
        '`coax secret-key reseal` has them come under the newest key first.',
      );
    await this.#store.transact(async tx => {
      await assertSeen(tx, seenAs);
      const db = secretTables(tx.db);
      await db
        .deleteFrom('secret_data_keys')
        .where('kek', '=', id)
        .where('id', 'in', [...behind, ''])
        .execute();
      // Somebody has had another key come under this one since.
      if (await hasDataKey(tx, id)) throw needed(`secrets came under the key ${id} just now`);
      await secretTables(tx.db).deleteFrom('secret_keys').where('id', '=', id).execute();
      this.#file.remove(id);
    });
    await this.#ring.learn();
  }

  /** Messages with secrets of these data keys. One that is rolled back needs nothing any more; any other may be undone. */
  async #needing(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const holds = ids.map(id => `%"key":"${id}"%`);
    const { count } = await secretTables(this.#store.reader)
      .selectFrom('messages')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('phase', '<>', 'rolled_back')
      .where(({ or, eb }) =>
        or(holds.flatMap(one => [eb('base', 'like', one), eb('trail', 'like', one), eb('ask', 'like', one)])),
      )
      .executeTakeFirstOrThrow();
    return Number(count);
  }
}

async function hasDataKey({ db }: Pick<StoreTx, 'db'>, kek: string): Promise<boolean> {
  const row = await secretTables(db)
    .selectFrom('secret_data_keys')
    .select('id')
    .where('kek', '=', kek)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Which keys there are, as `If-Match` speaks of them. */
export const keysState = (keys: readonly { readonly id: string }[]): string[] => keys.map(({ id }) => id);

async function assertSeen({ db }: Pick<StoreTx, 'db'>, seenAs: Versions): Promise<void> {
  if (seenAs === undefined) return;
  const known = await secretTables(db).selectFrom('secret_keys').select('id').orderBy('number').execute();
  assertUnchanged(keysState(known), seenAs, 'the list of keys');
}
