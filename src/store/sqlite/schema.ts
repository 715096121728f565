/**
 * The tables of the embedded engine, as migrations: each runs once, in order, inside one transaction. A migration that
 * was released is never changed.
 *
 * `commits.pos` is the order in which commits became durable. Ids are random, so an index on them would dirty a page
 * per commit (measured: the whole engine at 40 % of its speed); `commit_ids` is filled behind, in sorted runs, and
 * `id_index_pos` in `meta` says how far it has come.
 */
export interface SchemaPart {
  readonly id: string;
  readonly sql: readonly string[];
}

const ROWS_BEHIND = '0007-rows-behind';
const NO_SEQUENCE = '0008-no-sequence';
const ACCEPTED = '0009-accepted';
/** Migrations of this engine alone. */
export const OF_SQLITE: ReadonlySet<string> = new Set([ROWS_BEHIND, NO_SEQUENCE, ACCEPTED]);

/** Archive files, each with the msgids that were taken out of the store into it (JSON, [[first, last], …]). */
const ARCHIVES = `CREATE TABLE archives (
  name TEXT PRIMARY KEY,
  place TEXT NOT NULL,
  first_msgid INTEGER NOT NULL,
  last_msgid INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  commits INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  file_sha256 TEXT NOT NULL,
  ids_sha256 TEXT NOT NULL,
  ranges TEXT NOT NULL,
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID`;

export const CORE_SCHEMA: readonly SchemaPart[] = [
  {
    id: '0001-messages-and-ledger',
    sql: [
      `CREATE TABLE messages (
        msgid INTEGER PRIMARY KEY AUTOINCREMENT,
        flow TEXT NOT NULL,
        plan TEXT NOT NULL,
        mode TEXT NOT NULL,
        cursor INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        phase TEXT NOT NULL,
        cause TEXT,
        error TEXT,
        undo_error TEXT,
        rewind_to INTEGER,
        floor INTEGER NOT NULL,
        base TEXT NOT NULL,
        trail TEXT NOT NULL,
        generation INTEGER,
        seq INTEGER NOT NULL,
        head TEXT NOT NULL,
        address TEXT,
        ready_at INTEGER NOT NULL,
        worker TEXT,
        lease_until INTEGER,
        fence INTEGER NOT NULL,
        begun INTEGER NOT NULL,
        ask TEXT,
        parent_msgid INTEGER,
        parent_step INTEGER,
        parent_branch INTEGER,
        parent_generation INTEGER,
        actor TEXT NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL
      ) STRICT`,
      `CREATE INDEX messages_queue ON messages (address, ready_at, msgid) WHERE lease_until IS NULL AND phase = 'open'`,
      `CREATE INDEX messages_leased ON messages (lease_until) WHERE lease_until IS NOT NULL`,
      `CREATE INDEX messages_resting ON messages (phase, msgid) WHERE phase IN ('waiting', 'parked', 'rolled_back')`,
      `CREATE INDEX messages_children ON messages (parent_msgid, parent_generation) WHERE parent_msgid IS NOT NULL`,
      `CREATE TABLE plans (hash TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID`,
      `CREATE TABLE commits (
        pos INTEGER PRIMARY KEY,
        msgid INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        snapshot TEXT
      ) STRICT`,
      `CREATE UNIQUE INDEX commits_chain ON commits (msgid, seq)`,
      `CREATE TABLE commit_ids (prefix INTEGER NOT NULL, pos INTEGER NOT NULL, PRIMARY KEY (prefix, pos)) STRICT, WITHOUT ROWID`,
      `CREATE TABLE idempotency (key TEXT PRIMARY KEY, msgid INTEGER NOT NULL, request TEXT NOT NULL) STRICT, WITHOUT ROWID`,
      `CREATE TABLE allocations (
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        msgid INTEGER NOT NULL,
        detail TEXT NOT NULL,
        created INTEGER NOT NULL,
        PRIMARY KEY (kind, key)
      ) STRICT, WITHOUT ROWID`,
      `CREATE INDEX allocations_msgid ON allocations (msgid)`,
      `CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
      `INSERT INTO meta VALUES ('id_index_pos', 0)`,
    ],
  },
  {
    // `msgid_gaps`: msgids that the store rightly lacks, since they are archived or, after a copy, were never used.
    id: '0002-archives',
    sql: [
      ARCHIVES,
      `CREATE TABLE msgid_gaps (first INTEGER PRIMARY KEY, last INTEGER NOT NULL) STRICT`,
      `INSERT INTO meta VALUES ('last_pos', 0)`,
    ],
  },
  {
    // The index leaves out what an installation without projects has, so that it costs nothing there.
    id: '0003-projects',
    sql: [
      `ALTER TABLE messages ADD COLUMN project TEXT NOT NULL DEFAULT 'default'`,
      `CREATE INDEX messages_project ON messages (project, msgid) WHERE project <> 'default'`,
    ],
  },
  {
    // By project before time, so that a claim finds the next project at an address however long the others' queues are.
    id: '0004-fair-queue',
    sql: [
      `DROP INDEX messages_queue`,
      `CREATE INDEX messages_queue ON messages (address, project, ready_at, msgid) WHERE lease_until IS NULL AND phase = 'open'`,
    ],
  },
  {
    // What people find messages by. `message_labels` repeats `labels`, a row for each, to be looked up by.
    id: '0005-labels-and-trace',
    sql: [
      `ALTER TABLE messages ADD COLUMN labels TEXT`,
      `ALTER TABLE messages ADD COLUMN trace TEXT`,
      `CREATE TABLE message_labels (
        msgid INTEGER NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (msgid, name)
      ) STRICT, WITHOUT ROWID`,
      `CREATE INDEX message_labels_by ON message_labels (name, value, msgid)`,
    ],
  },
  {
    // Projects with limits (null for none), what they use of these, and how many messages were accepted in that minute since 1970.
    id: '0006-quotas',
    sql: [
      `CREATE TABLE quotas (
        project TEXT PRIMARY KEY,
        vms INTEGER,
        cpu_milli INTEGER,
        mem_mib INTEGER,
        addresses INTEGER,
        messages_per_minute INTEGER,
        queued INTEGER,
        vms_used INTEGER NOT NULL,
        cpu_milli_used INTEGER NOT NULL,
        mem_mib_used INTEGER NOT NULL,
        addresses_used INTEGER NOT NULL,
        minute INTEGER NOT NULL,
        messages INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID`,
    ],
  },
  {
    // The row of a message that a worker holds may be behind its commits (held-messages.ts): a Coax that does not know of it must not
    // open this. And an index whose condition is no list: SQLite sorted one of three anew for each message that came to rest.
    id: ROWS_BEHIND,
    sql: [
      `DROP INDEX messages_resting`,
      `CREATE INDEX messages_resting ON messages (phase, msgid)
         WHERE phase = 'waiting' OR phase = 'parked' OR phase = 'rolled_back'`,
    ],
  },
  {
    // Without AUTOINCREMENT, which wrote a page more for each message (statements/last-msgid.ts). SQLite drops it with the table only.
    id: NO_SEQUENCE,
    sql: [
      `INSERT INTO meta VALUES ('last_msgid', ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0))`,
      `CREATE TABLE messages_0008 (
        msgid INTEGER PRIMARY KEY,
        flow TEXT NOT NULL,
        plan TEXT NOT NULL,
        mode TEXT NOT NULL,
        cursor INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        phase TEXT NOT NULL,
        cause TEXT,
        error TEXT,
        undo_error TEXT,
        rewind_to INTEGER,
        floor INTEGER NOT NULL,
        base TEXT NOT NULL,
        trail TEXT NOT NULL,
        generation INTEGER,
        seq INTEGER NOT NULL,
        head TEXT NOT NULL,
        address TEXT,
        ready_at INTEGER NOT NULL,
        worker TEXT,
        lease_until INTEGER,
        fence INTEGER NOT NULL,
        begun INTEGER NOT NULL,
        ask TEXT,
        parent_msgid INTEGER,
        parent_step INTEGER,
        parent_branch INTEGER,
        parent_generation INTEGER,
        actor TEXT NOT NULL,
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        project TEXT NOT NULL DEFAULT 'default',
        labels TEXT,
        trace TEXT
      ) STRICT`,
      `INSERT INTO messages_0008 SELECT * FROM messages ORDER BY msgid`,
      `DROP TABLE messages`,
      `ALTER TABLE messages_0008 RENAME TO messages`,
      `CREATE INDEX messages_queue ON messages (address, project, ready_at, msgid) WHERE lease_until IS NULL AND phase = 'open'`,
      `CREATE INDEX messages_leased ON messages (lease_until) WHERE lease_until IS NOT NULL`,
      `CREATE INDEX messages_resting ON messages (phase, msgid)
         WHERE phase = 'waiting' OR phase = 'parked' OR phase = 'rolled_back'`,
      `CREATE INDEX messages_children ON messages (parent_msgid, parent_generation) WHERE parent_msgid IS NOT NULL`,
      `CREATE INDEX messages_project ON messages (project, msgid) WHERE project <> 'default'`,
    ],
  },
  {
    // Messages that were accepted alone, until they are put in their places (statements/accepted.ts).
    id: ACCEPTED,
    sql: [
      `CREATE TABLE accepted (
        pos INTEGER PRIMARY KEY,
        msgid INTEGER NOT NULL,
        id TEXT NOT NULL,
        body TEXT NOT NULL,
        flow TEXT NOT NULL,
        plan TEXT NOT NULL,
        phase TEXT NOT NULL,
        base TEXT NOT NULL,
        address TEXT,
        ready_at INTEGER NOT NULL,
        project TEXT NOT NULL,
        actor TEXT NOT NULL,
        labels TEXT,
        trace TEXT
      ) STRICT`,
    ],
  },
];
