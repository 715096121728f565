/**
 * The tables of the distributed engine, as migrations: each runs once, in order, inside one transaction. A migration that
 * was released is never changed, and each only adds, so that servers of the version before go on beside it.
 *
 * - `queued` and `held` follow from other columns and carry the indexes. What a step that is kept changes (cursor, trail,
 *   head, address) is in no index, so PostgreSQL updates the row inside its page and no index grows (HOT); the fill factor
 *   leaves the room for it.
 * - `commits` is partitioned by msgid, so the history of old messages can be detached and archived as a whole, and the
 *   indexes of the newest part stay small enough for memory. `pos` is the order in which commits were written, `origin`
 *   the server that wrote them, `prefix` the first 12 hex digits of the id as a number.
 * - `claim_tag` names the claim that holds the message, so that a claim whose answer was lost can be given back.
 */
export interface SchemaPart {
  readonly id: string;
  readonly sql: readonly string[];
  /** An index of `commits` that `sql` makes: each partition that is there gets its part of it before, while others go on writing. */
  readonly ahead?: { readonly name: string; readonly on: string };
}

/**
 * What commits are found by that are known by the beginning of their id: the block of 16,384 positions that a commit is in,
 * and the first 32 bits of its id. By the id alone each new commit would go to another page of the index.
 */
export const BLOCK_KEY = '(((pos >> 14) << 32) | (prefix >> 16))';
const BY_BLOCK = `(${BLOCK_KEY})`;
/** A migration of this engine alone. */
export const COMMITS_BY_BLOCK = '0007-commits-by-block';

export const CORE_SCHEMA: readonly SchemaPart[] = [
  {
    id: '0001-messages-and-ledger',
    sql: [
      `CREATE SEQUENCE messages_msgid`,
      `CREATE TABLE messages (
        msgid bigint PRIMARY KEY,
        parent_msgid bigint,
        parent_generation bigint,
        generation bigint,
        ready_at bigint NOT NULL,
        lease_until bigint,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        fence bigint NOT NULL,
        claim_tag bigint,
        seq integer NOT NULL,
        cursor integer NOT NULL,
        attempt integer NOT NULL,
        begun integer NOT NULL,
        floor integer NOT NULL,
        rewind_to integer,
        parent_step integer,
        parent_branch integer,
        held boolean NOT NULL GENERATED ALWAYS AS (lease_until IS NOT NULL) STORED,
        mode text NOT NULL,
        phase text NOT NULL,
        cause text,
        address text,
        queued text GENERATED ALWAYS AS (CASE WHEN phase = 'open' AND lease_until IS NULL THEN address END) STORED,
        worker text,
        head text NOT NULL,
        flow text NOT NULL,
        plan text NOT NULL,
        actor text NOT NULL,
        base text NOT NULL,
        trail text NOT NULL,
        error text,
        undo_error text,
        ask text
      ) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0)`,
      `CREATE INDEX messages_queue ON messages (queued COLLATE "C", ready_at, msgid) WHERE queued IS NOT NULL`,
      `CREATE INDEX messages_held ON messages (msgid) WHERE held`,
      `CREATE INDEX messages_resting ON messages (phase, msgid) WHERE phase IN ('waiting', 'parked', 'rolled_back')`,
      `CREATE INDEX messages_children ON messages (parent_msgid, parent_generation) WHERE parent_msgid IS NOT NULL`,
      `CREATE TABLE plans (hash text PRIMARY KEY, body text NOT NULL)`,
      `CREATE SEQUENCE commits_pos`,
      `CREATE TABLE commits (
        msgid bigint NOT NULL,
        pos bigint NOT NULL DEFAULT nextval('commits_pos'),
        prefix bigint NOT NULL,
        seq integer NOT NULL,
        origin integer NOT NULL,
        id text NOT NULL,
        body text NOT NULL,
        snapshot text
      ) PARTITION BY RANGE (msgid)`,
      `CREATE UNIQUE INDEX commits_chain ON commits (msgid, seq)`,
      `CREATE INDEX commits_order ON commits (pos)`,
      `CREATE INDEX commits_prefix ON commits (prefix)`,
      `CREATE TABLE idempotency (key text PRIMARY KEY, msgid bigint NOT NULL, request text NOT NULL)`,
      `CREATE TABLE allocations (
        kind text NOT NULL,
        key text NOT NULL,
        msgid bigint NOT NULL,
        detail text NOT NULL,
        created bigint NOT NULL,
        PRIMARY KEY (kind, key))`,
      `CREATE INDEX allocations_msgid ON allocations (msgid)`,
    ],
  },
  {
    // Archive files, each with the msgids that were taken out of the store into it (JSON, [[first, last], …]).
    id: '0002-archives',
    sql: [
      `CREATE TABLE archives (
        name text PRIMARY KEY,
        place text NOT NULL,
        first_msgid bigint NOT NULL,
        last_msgid bigint NOT NULL,
        messages bigint NOT NULL,
        commits bigint NOT NULL,
        bytes bigint NOT NULL,
        sha256 text NOT NULL,
        file_sha256 text NOT NULL,
        ids_sha256 text NOT NULL,
        ranges text NOT NULL,
        created bigint NOT NULL)`,
    ],
  },
  {
    // A server of the version before makes messages of `default`. The index leaves those out, so that it costs nothing
    // where there are no other projects.
    id: '0003-projects',
    sql: [
      `ALTER TABLE messages ADD COLUMN project text NOT NULL DEFAULT 'default'`,
      `CREATE INDEX messages_project ON messages (project COLLATE "C", msgid) WHERE project <> 'default'`,
    ],
  },
  {
    // By project before time, so that a claim finds the next project at an address however long the others' queues are. A
    // server of the version before sorts what it finds by this index: slower, and right.
    id: '0004-fair-queue',
    sql: [
      `DROP INDEX messages_queue`,
      `CREATE INDEX messages_queue ON messages (queued COLLATE "C", project COLLATE "C", ready_at, msgid) WHERE queued IS NOT NULL`,
    ],
  },
  {
    // What people find messages by. `message_labels` repeats `labels`, a row for each, to be looked up by.
    id: '0005-labels-and-trace',
    sql: [
      `ALTER TABLE messages ADD COLUMN labels text`,
      `ALTER TABLE messages ADD COLUMN trace text`,
      `CREATE TABLE message_labels (
        msgid bigint NOT NULL,
        name text NOT NULL,
        value text NOT NULL,
        PRIMARY KEY (msgid, name)
      )`,
      `CREATE INDEX message_labels_by ON message_labels (name COLLATE "C", value COLLATE "C", msgid)`,
    ],
  },
  {
    // Projects with limits (null for none), what they use of these, and how many messages were accepted in that minute since 1970.
    id: '0006-quotas',
    sql: [
      `CREATE TABLE quotas (
        project text PRIMARY KEY,
        vms bigint,
        cpu_milli bigint,
        mem_mib bigint,
        addresses bigint,
        messages_per_minute bigint,
        queued bigint,
        vms_used bigint NOT NULL,
        cpu_milli_used bigint NOT NULL,
        mem_mib_used bigint NOT NULL,
        addresses_used bigint NOT NULL,
        minute bigint NOT NULL,
        messages bigint NOT NULL)`,
    ],
  },
  {
    // A server of the version before finds a commit by the beginning of its id without an index from now on: slowly, and right.
    id: COMMITS_BY_BLOCK,
    ahead: { name: 'commits_block', on: BY_BLOCK },
    sql: [`DROP INDEX commits_prefix`, `CREATE INDEX commits_block ON commits ${BY_BLOCK}`],
  },
];
