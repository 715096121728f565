/**
 * First answers to requests that came with an Idempotency-Key, so that every server gives them again. `status` is 0 while the
 * request is under way, at most until `busy_until`; after `expires` (ms since 1970) the key is free.
 */
export const repeatSchema: readonly { readonly id: string; readonly sql: readonly string[] }[] = [
  {
    id: 'answers-0001',
    sql: [
      `CREATE TABLE answers (
        key text PRIMARY KEY,
        request text NOT NULL,
        status bigint NOT NULL,
        headers text NOT NULL,
        body text NOT NULL,
        busy_until bigint NOT NULL,
        expires bigint NOT NULL)`,
      `CREATE INDEX answers_expires ON answers (expires)`,
    ],
  },
];
