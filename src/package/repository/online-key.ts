import type { Tx } from '../../store/tx.ts';
import { newKeyPem, type PublicKey, publicKey, type SigningKey, signingKey } from './keys.ts';
import { repositoryTables } from './schema.ts';

/** Seals what the store keeps of keys. */
export interface KeyBox {
  seal(text: string): string;
  /** Errors: COAX_SECRET_KEY_MISSING, COAX_SECRET_BROKEN. */
  open(sealed: string): string;
}

const NAME = 'online';
/** What signs once a root names it. */
const NEXT = 'online-next';

/** The server's own key, which signs snapshots and timestamps; made when it is first asked for. */
export const onlineKey = (tx: Tx, box: KeyBox): Promise<PublicKey> => keyNamed(tx, box, NAME);

/** The key that is to follow it; made when it is first asked for after the one before was put in its place. */
export const nextOnlineKey = (tx: Tx, box: KeyBox): Promise<PublicKey> => keyNamed(tx, box, NEXT);

async function keyNamed(tx: Tx, box: KeyBox, name: string): Promise<PublicKey> {
  // Two that ask at once are given the same key.
  await lock(tx);
  const found = await row(tx, name);
  if (found !== undefined) return publicKey(found.public);
  const pem = newKeyPem();
  const key = signingKey(pem, name);
  await repositoryTables(tx.db)
    .insertInto('package_keys')
    .values({ name, public: key.public, sealed: box.seal(pem), created: tx.now })
    .execute();
  return { id: key.id, public: key.public };
}

/** The server's own key as it stands, with since when it signs (ms since 1970); null before there is one. */
export async function onlineKeyNow(db: Tx['db']): Promise<(PublicKey & { readonly since: number }) | null> {
  const found = await row({ db }, NAME);
  return found === undefined ? null : { ...publicKey(found.public), since: Number(found.created) };
}

/** The same, to sign with. Whoever has it publishes alone until the transaction ends. Null before there is one. */
export async function takeOnlineKey(tx: Tx, box: KeyBox): Promise<SigningKey | null> {
  await lock(tx);
  const found = await row(tx, NAME);
  return found === undefined ? null : signingKey(box.open(found.sealed), NAME);
}

/** Puts the key that is to follow in the place of the one there is, which nobody has any more then. Null when there is none, or it is not that one. */
export async function promoteOnlineKey(
  tx: Tx,
  box: KeyBox,
  isMeant: (key: PublicKey) => boolean,
): Promise<SigningKey | null> {
  await lock(tx);
  const next = await row(tx, NEXT);
  if (next === undefined || !isMeant(publicKey(next.public))) return null;
  const keys = repositoryTables(tx.db);
  await keys.deleteFrom('package_keys').where('name', '=', NEXT).execute();
  await keys
    .updateTable('package_keys')
    .set({ public: next.public, sealed: next.sealed, created: tx.now })
    .where('name', '=', NAME)
    .execute();
  return signingKey(box.open(next.sealed), NAME);
}

/** Seals the keys with the installation's newest key. Returns how many there are. */
export async function resealKeys(tx: Tx, box: KeyBox): Promise<number> {
  await lock(tx);
  const keys = await repositoryTables(tx.db).selectFrom('package_keys').selectAll().execute();
  for (const { name, sealed } of keys)
    await repositoryTables(tx.db)
      .updateTable('package_keys')
      .set({ sealed: box.seal(box.open(sealed)) })
      .where('name', '=', name)
      .execute();
  return keys.length;
}

const lock = (tx: Tx) =>
  repositoryTables(tx.db).updateTable('package_keys').set({ name: NAME }).where('name', '=', NAME).execute();

const row = ({ db }: Pick<Tx, 'db'>, name: string) =>
  repositoryTables(db).selectFrom('package_keys').selectAll().where('name', '=', name).executeTakeFirst();
