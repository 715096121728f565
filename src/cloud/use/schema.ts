import type { Kysely } from 'kysely';

/**
 * What guests used in the last hour, a ring for each host: a slot is a part of the hour and is written over an hour later. Slot -1 is
 * what the guests of a host that a server runs use now; of other hosts their agents' reports tell that. Times are milliseconds
 * since 1970, by the store's clock.
 */
export const useSchema = [
  {
    id: 'cloud-0006',
    sql: [
      `CREATE TABLE guest_use (
        slot bigint NOT NULL,
        host text NOT NULL,
        at bigint NOT NULL,
        guests text NOT NULL,
        PRIMARY KEY (slot, host))`,
    ],
  },
] as const;

interface UseTables {
  /** `guests`: JSON object, what each guest uses by its uuid. */
  guest_use: { slot: number; host: string; at: number; guests: string };
}

/** The same connection, typed for the table of use. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know this table
export const useTables = (db: Kysely<any>): Kysely<UseTables> => db as Kysely<UseTables>;
