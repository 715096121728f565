import type { Kysely } from 'kysely';

/** An open transaction. Only `db` may be awaited inside: nothing that waits for the network or the clock. */
export interface Tx {
  // biome-ignore lint/suspicious/noExplicitAny: each module narrows it to its own tables with withTables()
  readonly db: Kysely<any>;
  /** Milliseconds since 1970, the same for the whole transaction. */
  readonly now: number;
}
