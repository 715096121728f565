import { type Slice, sliced } from '../store/slice.ts';
import type { Store } from '../store/store.ts';
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

  /** In place of the role that the subject had there. */
  async grant(subject: string, project: string, role: Role, actor: string): Promise<void> {
    await this.#store.transact(async tx => {
      const row = { subject, project, role, created: tx.now, created_by: actor };
      await identityTables(tx.db)
        .insertInto('role_bindings')
        .values(row)
        .onConflict(conflict => conflict.columns(['subject', 'project']).doUpdateSet(row))
        .execute();
    });
  }

  /** False when the subject had no role there. */
  async revoke(subject: string, project: string): Promise<boolean> {
    return this.#store.transact(async tx => {
      const gone = await identityTables(tx.db)
        .deleteFrom('role_bindings')
        .where('subject', '=', subject)
        .where('project', '=', project)
        .executeTakeFirst();
      return Number(gone.numDeletedRows) > 0;
    });
  }
}

const bindingOf = (row: BindingRow): Binding => ({
  subject: row.subject,
  project: row.project,
  role: row.role,
  created: Number(row.created),
  createdBy: row.created_by,
});
