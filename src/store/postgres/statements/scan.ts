import type { ArchiveRow } from '../../archives.ts';
import { type AllocationRow, type MessageRow, toAllocation, toRawMessage } from '../../rows.ts';
import type { Allocation, RawCommitRow, RawMessageRow, StoreScan } from '../../store.ts';
import type { Engine } from '../engine.ts';
import { ALLOCATION_COLUMNS, MESSAGE_COLUMNS } from './columns.ts';

const PAGE = 500;

/** Reads every table in pages, so that a check of a large store needs little memory and holds nothing open. */
export function openScan(engine: Pick<Engine, 'read'>): StoreScan {
  const all = <Row>(sql: string, values: readonly (string | number)[] = []): Promise<Row[]> =>
    engine.read(link => link.run<Row>(sql, values));
  return {
    async *messages(): AsyncIterable<RawMessageRow> {
      let after = 0;
      for (;;) {
        const rows = await all<MessageRow>(
          `SELECT ${MESSAGE_COLUMNS} FROM messages WHERE msgid > $1 ORDER BY msgid LIMIT $2`,
          [after, PAGE],
        );
        for (const row of rows) yield toRawMessage(row);
        const last = rows.at(-1);
        if (last === undefined) return;
        after = last.msgid;
      }
    },
    async *commits(msgid: number): AsyncIterable<RawCommitRow> {
      let after = -(2 ** 31);
      for (;;) {
        const rows = await all<RawCommitRow>(
          'SELECT msgid, seq, id, body, snapshot FROM commits WHERE msgid = $1 AND seq > $2 ORDER BY seq LIMIT $3',
          [msgid, after, PAGE],
        );
        yield* rows;
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE) return;
        after = last.seq;
      }
    },
    async *orphanCommits(): AsyncIterable<RawCommitRow> {
      yield* await all<RawCommitRow>(
        `SELECT msgid, seq, id, body, snapshot FROM commits WHERE NOT EXISTS
           (SELECT 1 FROM messages WHERE messages.msgid = commits.msgid) LIMIT 1000`,
      );
    },
    async *plans(): AsyncIterable<{ hash: string; body: string }> {
      yield* await all<{ hash: string; body: string }>(
        'SELECT hash, body FROM plans ORDER BY hash COLLATE "C"',
      );
    },
    async *allocations(): AsyncIterable<Allocation> {
      const rows = await all<AllocationRow>(
        `SELECT ${ALLOCATION_COLUMNS} FROM allocations ORDER BY kind COLLATE "C", key COLLATE "C"`,
      );
      yield* rows.map(toAllocation);
    },
    async lastMsgid(): Promise<number> {
      const [row] = await all<{ last: number; called: boolean }>(
        'SELECT last_value AS last, is_called AS called FROM messages_msgid',
      );
      return row?.called === true ? row.last : 0;
    },
    archives: () => all<ArchiveRow>('SELECT * FROM archives ORDER BY first_msgid, name COLLATE "C"'),
    gaps: async () => [],
    integrity: () => integrity(engine),
  };
}

/** Indexes that are not valid, pages whose checksum failed, and, where amcheck is installed, every index of ours. */
async function integrity(engine: Pick<Engine, 'read'>): Promise<string[]> {
  return engine.read(async link => {
    const invalid = await link.run<{ name: string }>(
      `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
       WHERE c.relnamespace = current_schema()::regnamespace AND NOT (i.indisvalid AND i.indisready)`,
    );
    const [pages] = await link.run<{ failures: number | null }>(
      'SELECT checksum_failures AS failures FROM pg_stat_database WHERE datname = current_database()',
    );
    const faults = invalid.map(({ name }) => `the index ${name} is not valid`);
    if ((pages?.failures ?? 0) > 0)
      faults.push(`PostgreSQL has met ${pages?.failures} pages with a wrong checksum (pg_stat_database)`);
    const [amcheck] = await link.run<{ found: boolean }>(
      `SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'amcheck') AS found`,
    );
    if (amcheck?.found !== true) return faults;
    const indexes = await link.run<{ name: string }>(
      `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_am a ON a.oid = c.relam
       WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relnamespace = current_schema()::regnamespace`,
    );
    for (const { name } of indexes) {
      await link.once('SELECT bt_index_check($1::regclass)', [name]).catch(error => {
        faults.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      });
    }
    return faults;
  });
}
