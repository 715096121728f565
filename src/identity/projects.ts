import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Store } from '../store/store.ts';
import { identityTables } from './schema.ts';

/** Projects: whose messages are whose. */
export class Projects {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Is there such a project, for new messages? */
  async exists(name: string): Promise<boolean> {
    if (name === DEFAULT_PROJECT) return true;
    const row = await identityTables(this.#store.reader)
      .selectFrom('projects')
      .select('name')
      .where('name', '=', name)
      .where('removed', '=', 0)
      .executeTakeFirst();
    return row !== undefined;
  }
}
