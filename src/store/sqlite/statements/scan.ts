import type { ArchiveRow, MsgidRange } from '../../archives.ts';
import { type AllocationRow, type MessageRow, toAllocation, toRawMessage } from '../../rows.ts';
import type { Allocation, RawCommitRow, RawMessageRow, StoreScan } from '../../store.ts';
import type { Connection } from '../connection.ts';
import { caughtUpIfSound } from './catch-up.ts';
import { lastMsgid } from './last-msgid.ts';

const PAGE = 500;

/** Reads every table in pages, so that a check of a large store needs little memory and stops nobody for long. */
export function openScan(connection: Connection): StoreScan {
  return {
    async *messages(): AsyncIterable<RawMessageRow> {
      let after = 0;
      for (;;) {
        const rows = connection.all<MessageRow>(
          'SELECT * FROM messages WHERE msgid > ? ORDER BY msgid LIMIT ?',
          after,
          PAGE,
        );
        for (const row of rows) yield toRawMessage(caughtUpIfSound(connection, row));
        const last = rows.at(-1);
        if (last === undefined) return;
        after = last.msgid;
        await breathe();
      }
    },
    async *commits(msgid: number): AsyncIterable<RawCommitRow> {
      let after = Number.MIN_SAFE_INTEGER;
      for (;;) {
        const rows = connection.all<RawCommitRow>(
          'SELECT msgid, seq, id, body, snapshot FROM commits WHERE msgid = ? AND seq > ? ORDER BY seq LIMIT ?',
          msgid,
          after,
          PAGE,
        );
        yield* rows;
        const last = rows.at(-1);
        if (last === undefined || rows.length < PAGE) return;
        after = last.seq;
        await breathe();
      }
    },
    async *orphanCommits(): AsyncIterable<RawCommitRow> {
      yield* connection.all<RawCommitRow>(
        `SELECT msgid, seq, id, body, snapshot FROM commits WHERE NOT EXISTS
           (SELECT 1 FROM messages WHERE messages.msgid = commits.msgid) LIMIT 1000`,
      );
    },
    async *plans(): AsyncIterable<{ hash: string; body: string }> {
      yield* connection.all<{ hash: string; body: string }>('SELECT hash, body FROM plans ORDER BY hash');
    },
    async *allocations(): AsyncIterable<Allocation> {
      yield* connection.all<AllocationRow>('SELECT * FROM allocations ORDER BY kind, key').map(toAllocation);
    },
    async lastMsgid(): Promise<number> {
      return lastMsgid(connection);
    },
    async archives(): Promise<readonly ArchiveRow[]> {
      return connection.all<ArchiveRow>('SELECT * FROM archives ORDER BY first_msgid, name');
    },
    async gaps(): Promise<readonly MsgidRange[]> {
      return connection.all<MsgidRange>('SELECT first, last FROM msgid_gaps ORDER BY first');
    },
    async integrity(): Promise<readonly string[]> {
      return connection
        .all<{ integrity_check: string }>('PRAGMA integrity_check(100)')
        .map(row => row.integrity_check)
        .filter(line => line !== 'ok');
    },
  };
}

function breathe(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
