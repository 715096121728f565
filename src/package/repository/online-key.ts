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

/** The server's own key, which signs snapshots and timestamps; made when it is first asked for. */
export async function onlineKey(tx: Tx, box: KeyBox): Promise<PublicKey> {
  const found = await row(tx);
  if (found !== undefined) return publicKey(found.public);
  const pem = newKeyPem();
  const key = signingKey(pem, NAME);
  await repositoryTables(tx.db)
    .insertInto('package_keys')
    .values({ name: NAME, public: key.public, sealed: box.seal(pem), created: tx.now })
    .execute();
  return { id: key.id, public: key.public };
}

/** The same, to sign with. Whoever has it publishes alone until the transaction ends. Null before there is one. */
export async function takeOnlineKey(tx: Tx, box: KeyBox): Promise<SigningKey | null> {
  await repositoryTables(tx.db)
    .updateTable('package_keys')
    .set({ name: NAME })
    .where('name', '=', NAME)
    .execute();
  const found = await row(tx);
  return found === undefined ? null : signingKey(box.open(found.sealed), NAME);
}

/** Seals the key with the installation's newest key. Returns how many there are. */
export async function resealKeys(tx: Tx, box: KeyBox): Promise<number> {
  const found = await row(tx);
  if (found === undefined) return 0;
  await repositoryTables(tx.db)
    .updateTable('package_keys')
    .set({ sealed: box.seal(box.open(found.sealed)) })
    .where('name', '=', NAME)
    .execute();
  return 1;
}

const row = ({ db }: Tx) =>
  repositoryTables(db).selectFrom('package_keys').selectAll().where('name', '=', NAME).executeTakeFirst();
