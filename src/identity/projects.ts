import { CoaxError } from '../errors/coax-error.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import { assertUnchanged, type Versions } from '../message/version/version.ts';
import { type Slice, sliced } from '../store/slice.ts';
import type { Store, StoreTx } from '../store/store.ts';
import { type IdentityDb, identityTables, type ProjectRow } from './schema.ts';

export interface Project {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** ms since 1970; 0 for the one that was always there. */
  readonly created: number;
  readonly createdBy: string;
}

/** Projects: whose messages are whose. */
export class Projects {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  get #db(): IdentityDb {
    return identityTables(this.#store.reader);
  }

  /** Is there such a project, for new messages? */
  async exists(name: string): Promise<boolean> {
    return name === DEFAULT_PROJECT || (await this.find(name)) !== null;
  }

  /** Is there such a project, or was there one? Its name is not given again. */
  async everWas(name: string): Promise<boolean> {
    if (name === DEFAULT_PROJECT) return true;
    const query = this.#db.selectFrom('projects').select('name').where('name', '=', name);
    return (await query.executeTakeFirst()) !== undefined;
  }

  async find(name: string): Promise<Project | null> {
    const [row] = await this.#rows([name]);
    return row ?? null;
  }

  /** By name: these, or all. */
  async list(names?: readonly string[], slice?: Slice): Promise<Project[]> {
    return names?.length === 0 ? [] : this.#rows(names, slice);
  }

  async #rows(names?: readonly string[], slice?: Slice): Promise<Project[]> {
    let query = this.#db.selectFrom('projects').selectAll().where('removed', '=', 0);
    if (names !== undefined) query = query.where('name', 'in', [...names]);
    return (await sliced(query, ['name'], slice).execute()).map(projectOf);
  }

  /** Errors: COAX_CONFLICT when the name was ever used. */
  async create(name: string, labels: Readonly<Record<string, string>>, actor: string): Promise<void> {
    await this.#store.transact(async tx => {
      const made = await identityTables(tx.db)
        .insertInto('projects')
        .values({
          name,
          created: tx.now,
          created_by: actor,
          removed: 0,
          labels: JSON.stringify(labels),
          quota: '{}',
        })
        .onConflict(conflict => conflict.column('name').doNothing())
        .executeTakeFirst();
      if (Number(made.numInsertedOrUpdatedRows ?? 0) === 0)
        throw new CoaxError('COAX_CONFLICT', `a project ${name} is there, or was once`, {
          where: name,
          hint: 'The ledger still names what was removed, so each name is given once. Choose another one.',
        });
    });
  }

  /** Gives it these labels in place of those it has. Errors: COAX_CHANGED. */
  async edit(name: string, labels: Readonly<Record<string, string>>, seenAs?: Versions): Promise<void> {
    await this.#store.transact(async tx => {
      await assertSeen(tx.db, name, seenAs);
      await identityTables(tx.db)
        .updateTable('projects')
        .set({ labels: JSON.stringify(labels) })
        .where('name', '=', name)
        .execute();
    });
  }

  /**
   * Takes it out of use, with all its tokens, accounts and roles; its history stays for those who see the whole installation.
   * Errors: COAX_CHANGED; COAX_CONFLICT while messages of it are under way or hold something.
   */
  async remove(name: string, seenAs?: Versions): Promise<void> {
    if (name === DEFAULT_PROJECT)
      throw new CoaxError('COAX_CONFLICT', 'the project default cannot be removed', { where: name });
    await this.#store.transact(async tx => {
      const db = identityTables(tx.db);
      await assertSeen(tx.db, name, seenAs);
      const busy = await db
        .selectFrom('messages')
        .select('msgid')
        .where('project', '=', name)
        .where(({ or, eb, exists, selectFrom }) =>
          or([
            eb('phase', 'in', ['open', 'waiting', 'parked']),
            exists(
              selectFrom('allocations')
                .select('allocations.key')
                .whereRef('allocations.msgid', '=', 'messages.msgid'),
            ),
          ]),
        )
        .limit(1)
        .executeTakeFirst();
      if (busy !== undefined)
        throw new CoaxError(
          'COAX_CONFLICT',
          `message ${busy.msgid} of ${name} is under way, or holds something`,
          {
            where: name,
            hint: `\`coax ls --project ${name}\` and \`coax vm ls --project ${name}\` show what is left.`,
          },
        );
      await db.updateTable('projects').set({ removed: tx.now }).where('name', '=', name).execute();
      await db.updateTable('api_tokens').set({ revoked: tx.now }).where('project', '=', name).execute();
      await db.updateTable('service_accounts').set({ removed: tx.now }).where('project', '=', name).execute();
      await db.deleteFrom('role_bindings').where('project', '=', name).execute();
    });
  }
}

async function assertSeen(db: StoreTx['db'], name: string, seenAs: Versions): Promise<void> {
  if (seenAs === undefined) return;
  const row = await identityTables(db)
    .selectFrom('projects')
    .selectAll()
    .where('name', '=', name)
    .where('removed', '=', 0)
    .executeTakeFirst();
  assertUnchanged(row === undefined ? null : projectOf(row), seenAs, `project ${name}`);
}

const projectOf = (row: ProjectRow): Project => ({
  name: row.name,
  labels: JSON.parse(row.labels) as Record<string, string>,
  created: Number(row.created),
  createdBy: row.created_by,
});
