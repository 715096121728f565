import { randomInt } from 'node:crypto';
import type { Store } from '../../../store/store.ts';
import { repositoryTables } from '../schema.ts';

export type GarbageKind = 'targets' | 'contents';

/** A file of the repository's place. */
export interface StoredName {
  readonly kind: GarbageKind;
  readonly name: string;
}

/** Names that one statement asks for. */
const TOGETHER = 500;
/** The turn to delete: whoever is not heard of for so long has lost it. */
const TURN_MS = 10 * 60_000;
const TURN = { kind: 'turn', name: 'collector' };

/**
 * Files of the repository that nothing names, and since when. Whoever is about to name one touches it first: then it is not noted any more, and its
 * time begins anew. One that is being deleted is doomed, and nobody may name it until it is gone.
 */
export class GarbageBook {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Takes files off the book. Returns those that are doomed: they may be gone at any moment. */
  touch(kind: GarbageKind, names: readonly string[]): Promise<string[]> {
    if (names.length === 0) return Promise.resolve([]);
    return this.#store.transact(async ({ db }) => {
      const doomed: string[] = [];
      for (let at = 0; at < names.length; at += TOGETHER) {
        const some = names.slice(at, at + TOGETHER);
        const tables = repositoryTables(db);
        await tables
          .deleteFrom('package_garbage')
          .where('kind', '=', kind)
          .where('name', 'in', some)
          .where('doomed', '=', 0)
          .execute();
        const left = await tables
          .selectFrom('package_garbage')
          .select('name')
          .where('kind', '=', kind)
          .where('name', 'in', some)
          .execute();
        doomed.push(...left.map(({ name }) => name));
      }
      return doomed;
    });
  }

  /** Notes what nothing names now, and forgets what is named again or gone. Returns, for each that is noted, since when (ms since 1970). */
  note(kind: GarbageKind, unnamed: readonly string[]): Promise<Map<string, number>> {
    return this.#store.transact(async ({ db, now }) => {
      const tables = repositoryTables(db);
      const rows = await tables.selectFrom('package_garbage').selectAll().where('kind', '=', kind).execute();
      const since = new Map(rows.map(row => [row.name, Number(row.since)]));
      const still = new Set(unnamed);
      for (const name of since.keys()) {
        if (still.has(name)) continue;
        await tables
          .deleteFrom('package_garbage')
          .where('kind', '=', kind)
          .where('name', '=', name)
          .execute();
        since.delete(name);
      }
      for (const name of unnamed) {
        if (since.has(name)) continue;
        await tables
          .insertInto('package_garbage')
          .values({ kind, name, since: now, doomed: 0 })
          .onConflict(conflict => conflict.doNothing())
          .execute();
        since.set(name, now);
      }
      return since;
    });
  }

  /**
   * The turn to delete, which one has at a time: else one could delete what another has deleted already, and a publisher has brought
   * anew since. Null while another has it. `doom` renews it.
   */
  takeTurn(): Promise<number | null> {
    return this.#store.transact(async ({ db, now }) => {
      const holder = randomInt(1, 2 ** 31);
      const until = { since: now + TURN_MS, doomed: holder };
      const { numInsertedOrUpdatedRows } = await repositoryTables(db)
        .insertInto('package_garbage')
        .values({ ...TURN, ...until })
        .onConflict(conflict =>
          conflict.columns(['kind', 'name']).doUpdateSet(until).where('package_garbage.since', '<', now),
        )
        .executeTakeFirstOrThrow();
      return (numInsertedOrUpdatedRows ?? 0n) > 0n ? holder : null;
    });
  }

  async endTurn(holder: number): Promise<void> {
    await this.#store.transact(({ db }) =>
      repositoryTables(db)
        .deleteFrom('package_garbage')
        .where('kind', '=', TURN.kind)
        .where('doomed', '=', holder)
        .execute(),
    );
  }

  /** Dooms a file that has been noted since then or longer. False: somebody has touched it, or the turn is another's by now. */
  async doom({ kind, name }: StoredName, since: number, holder: number): Promise<boolean> {
    return this.#store.transact(async ({ db, now }) => {
      const turn = await repositoryTables(db)
        .updateTable('package_garbage')
        .set({ since: now + TURN_MS })
        .where('kind', '=', TURN.kind)
        .where('doomed', '=', holder)
        .executeTakeFirst();
      if (turn.numUpdatedRows === 0n) return false;
      const { numUpdatedRows } = await repositoryTables(db)
        .updateTable('package_garbage')
        .set({ doomed: 1 })
        .where('kind', '=', kind)
        .where('name', '=', name)
        .where('since', '<=', since)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    });
  }

  /** It is deleted. */
  async forget({ kind, name }: StoredName): Promise<void> {
    await this.#store.transact(({ db }) =>
      repositoryTables(db)
        .deleteFrom('package_garbage')
        .where('kind', '=', kind)
        .where('name', '=', name)
        .execute(),
    );
  }
}
