import { assertUnchanged, type Versions } from '../message/version/version.ts';
import { type Slice, sliced } from '../store/slice.ts';
import type { Store, StoreTx } from '../store/store.ts';
import type { Grant, Role } from './principal.ts';
import { type BindingRow, identityTables } from './schema.ts';

export interface Binding extends Grant {
  /** A person as the login names it, `group:NAME`, or `sa/NAME`. */
  readonly subject: string;
  /** ms since 1970. */
  readonly created: number;
  readonly createdBy: string;
}

/** Who has which role where. One subject has one role in one project. */
export class Bindings {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What all these subjects may do together. */
  async grantsOf(subjects: readonly string[]): Promise<Grant[]> {
    if (subjects.length === 0) return [];
    const rows = await identityTables(this.#store.reader)
      .selectFrom('role_bindings')
      .select(['project', 'role'])
      .where('subject', 'in', [...subjects])
      .execute();
    return rows.map(({ project, role }) => ({ project, role }));
  }

  /** By project and subject: in these projects (`*` is one), or in all. */
  async list(projects?: readonly string[], slice?: Slice): Promise<Binding[]> {
    if (projects?.length === 0) return [];
    let query = identityTables(this.#store.reader).selectFrom('role_bindings').selectAll();
    if (projects !== undefined) query = query.where('project', 'in', [...projects]);
    return (await sliced(query, ['project', 'subject'], slice).execute()).map(bindingOf);
  }

  /** The role that the subject has there; null for none. */
  async find(subject: string, project: string): Promise<Binding | null> {
    return bindingIn(this.#store.reader, subject, project);
  }

  /** In place of the role that the subject had there. Errors: COAX_CHANGED when that is another than was seen. */
  async grant(subject: string, project: string, role: Role, actor: string, seenAs?: Versions): Promise<void> {
    await this.#store.transact(async tx => {
      await assertSeen(tx, subject, project, seenAs);
      const row = { subject, project, role, created: tx.now, created_by: actor };
      await identityTables(tx.db)
        .insertInto('role_bindings')
        .values(row)
        .onConflict(conflict => conflict.columns(['subject', 'project']).doUpdateSet(row))
        .execute();
    });
  }

  /** False when the subject had no role there. Errors: COAX_CHANGED when it is another than was seen. */
  async revoke(subject: string, project: string, seenAs?: Versions): Promise<boolean> {
    return this.#store.transact(async tx => {
      await assertSeen(tx, subject, project, seenAs);
      const gone = await identityTables(tx.db)
        .deleteFrom('role_bindings')
        .where('subject', '=', subject)
        .where('project', '=', project)
        .executeTakeFirst();
      return Number(gone.numDeletedRows) > 0;
    });
  }
}

/** What a change of it is a change of. */
export const bindingState = ({ subject, project, role, created, createdBy }: Binding) => ({
  subject,
  project,
  role,
  created,
  createdBy,
});

async function assertSeen(tx: StoreTx, subject: string, project: string, seenAs: Versions): Promise<void> {
  if (seenAs === undefined) return;
  const binding = await bindingIn(tx.db, subject, project);
  assertUnchanged(binding && bindingState(binding), seenAs, `the role of ${subject}`);
}

async function bindingIn(db: Store['reader'], subject: string, project: string): Promise<Binding | null> {
  const row = await identityTables(db)
    .selectFrom('role_bindings')
    .selectAll()
    .where('subject', '=', subject)
    .where('project', '=', project)
    .executeTakeFirst();
  return row === undefined ? null : bindingOf(row);
}

const bindingOf = (row: BindingRow): Binding => ({
  subject: row.subject,
  project: row.project,
  role: row.role,
  created: Number(row.created),
  createdBy: row.created_by,
});
