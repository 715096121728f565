import type { Kysely } from 'kysely';

/** An open transaction. Only `db` may be awaited inside: nothing that waits for the network or the clock. */
export interface Tx {
  // biome-ignore lint/suspicious/noExplicitAny: each module narrows it to its own tables with withTables()
  readonly db: Kysely<any>;
  /** Milliseconds since 1970, the same for the whole transaction. */
  readonly now: number;
  /** Others may write at the same time what they do not wait for each other to write. Absent: it is the only one. */
  readonly beside?: boolean;
}

/**
 * What may be done for many messages in one transaction, beside other transactions of this kind and never beside one of
 * `transact`. So it takes nothing that it has read for granted: it checks as it writes, or locks what it reads.
 */
export interface Together<Value> {
  /** Those with the same one go together. */
  readonly kind: object;
  /** What `all` is to know of this one. */
  readonly item: unknown;
  /**
   * For each item, in order, what it comes to. Null: nothing was written for it, and it is done by itself. When it throws
   * nothing is kept, and each is done by itself.
   */
  all(tx: Tx, items: readonly unknown[]): Promise<readonly (Value | null)[]>;
}
