import { CoaxError } from '../errors/coax-error.ts';
import { assertUnchanged, type Versions } from '../message/version/version.ts';
import { type Slice, sliced } from '../store/slice.ts';
import type { Store } from '../store/store.ts';
import { type AccountRow, identityTables } from './schema.ts';

export interface Account {
  readonly name: string;
  /** Whose it is: admins there may change it, and make tokens of it. */
  readonly project: string;
  readonly about: string;
  /** ms since 1970. */
  readonly created: number;
  readonly createdBy: string;
}

/** As whom an account stands in the ledger and in role bindings. */
export const accountSubject = (name: string): string => `sa/${name}`;

/** Service accounts: names for programs, which outlive their tokens. */
export class Accounts {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async find(name: string): Promise<Account | null> {
    const row = await identityTables(this.#store.reader)
      .selectFrom('service_accounts')
      .selectAll()
      .where('name', '=', name)
      .where('removed', '=', 0)
      .executeTakeFirst();
    return row === undefined ? null : accountOf(row);
  }

  /** By name: of these projects (`*` is one), or all. */
  async list(projects?: readonly string[], slice?: Slice): Promise<Account[]> {
    if (projects?.length === 0) return [];
    let query = identityTables(this.#store.reader)
      .selectFrom('service_accounts')
      .selectAll()
      .where('removed', '=', 0);
    if (projects !== undefined) query = query.where('project', 'in', [...projects]);
    return (await sliced(query, ['name'], slice).execute()).map(accountOf);
  }

  /** Errors: COAX_CONFLICT when the name was ever used. */
  async create(wish: Pick<Account, 'name' | 'project' | 'about'>, actor: string): Promise<void> {
    await this.#store.transact(async tx => {
      const made = await identityTables(tx.db)
        .insertInto('service_accounts')
        .values({ ...wish, created: tx.now, created_by: actor, removed: 0 })
        .onConflict(conflict => conflict.column('name').doNothing())
        .executeTakeFirst();
      if (Number(made.numInsertedOrUpdatedRows ?? 0) === 0)
        throw new CoaxError('COAX_CONFLICT', `a service account ${wish.name} is there, or was once`, {
          where: wish.name,
          hint: 'The ledger still names what was removed, so each name is given once. Choose another one.',
        });
    });
  }

  /** With its tokens and roles. Errors: COAX_CHANGED. */
  async remove(name: string, seenAs?: Versions): Promise<void> {
    await this.#store.transact(async tx => {
      const db = identityTables(tx.db);
      const row = await db
        .selectFrom('service_accounts')
        .selectAll()
        .where('name', '=', name)
        .where('removed', '=', 0)
        .executeTakeFirst();
      assertUnchanged(row === undefined ? null : accountOf(row), seenAs, `service account ${name}`);
      await db.updateTable('service_accounts').set({ removed: tx.now }).where('name', '=', name).execute();
      await db
        .updateTable('api_tokens')
        .set({ revoked: tx.now })
        .where('account', '=', name)
        .where('revoked', '=', 0)
        .execute();
      await db.deleteFrom('role_bindings').where('subject', '=', accountSubject(name)).execute();
    });
  }
}

const accountOf = (row: AccountRow): Account => ({
  name: row.name,
  project: row.project,
  about: row.about,
  created: Number(row.created),
  createdBy: row.created_by,
});
