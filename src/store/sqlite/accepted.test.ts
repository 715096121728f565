import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { parseSelector } from '../../message/carried/selector.ts';
import { claimAt, planOfSteps, submission } from '../../testing/store-conformance/fixture.ts';
import { copyStore } from '../copy-store.ts';
import { fsckStore } from '../fsck.ts';
import type { Submission } from '../store.ts';
import { REAL_TIMERS, type Timers } from '../timers.ts';
import { openSqlite, openSqliteScan } from './open-sqlite.ts';
import { openSqliteSource, openSqliteTarget } from './raw-sqlite.ts';
import type { SqliteStore } from './sqlite-store.ts';
import { SETTLE_AT } from './statements/accepted.ts';

const PLAN = planOfSteps('net take', 'net give');
const WALL = () => 1_700_000_000_000;
/** However slow the machine is, the store never finds itself idle. */
const BUSY: Timers = { ...REAL_TIMERS, after: () => () => {} };
const MORE = {
  labels: { zone: 'a', 'env.name': 'prod' },
  trace: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'a=1' },
  idempotencyKey: 'k',
};

async function inFolder(test: (file: string, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coax-accepted-'));
  try {
    await test(join(folder, 'coax.db'), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const one = (n: number, more: Partial<Submission> = {}): Submission =>
  submission(
    { n, text: 'é "\\u0000" \u{1F600}', list: [1.5, null, { b: 1, a: [] }] },
    { plan: PLAN, ...more },
  );

/** What lies in the file, by another connection: rows of a table. */
function rowsOf(file: string, table: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare(`SELECT * FROM ${table}`).all();
  database.close();
  return rows.map(row => ({ ...row }));
}

/** Without times, and without what is a hash of something that has one. */
const timeless = (row: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).filter(
      ([name]) => !['ready_at', 'created', 'updated', 'id', 'head'].includes(name) && !hasTimes(row, name),
    ),
  );
const hasTimes = (row: object, name: string): boolean => name === 'body' && 'seq' in row;

async function acceptAlone(store: SqliteStore, count: number, from = 0): Promise<number[]> {
  const msgids: number[] = [];
  for (let n = from; n < from + count; n++) msgids.push((await store.submit([one(n)]))[0]!.msgid);
  return msgids;
}

async function assertSound(file: string, messages: number): Promise<void> {
  const scan = openSqliteScan(file);
  const report = await fsckStore(scan);
  scan.close();
  assert.deepEqual([report.faults, report.messages], [[], messages]);
}

describe('a message that is accepted alone', () => {
  it('is one row until somebody reads, and then stands where every message stands', () =>
    inFolder(async file => {
      const store = openSqlite({ file, wall: WALL, timers: BUSY });
      const [{ msgid, message } = assert.fail()] = await store.submit([one(1, MORE)]);
      assert.deepEqual([rowsOf(file, 'accepted').length, rowsOf(file, 'messages').length], [1, 0]);
      assert.deepEqual(await store.message(msgid), message);
      assert.deepEqual([rowsOf(file, 'accepted').length, rowsOf(file, 'messages').length], [0, 1]);
      await store.close();
      await assertSound(file, 1);
    }));

  it('has the rows that it would have had among others', () =>
    inFolder(async (file, folder) => {
      const [alone, among] = [openSqlite({ file, wall: WALL, timers: BUSY }), join(folder, 'among.db')];
      const submissions = [one(1, MORE), one(2, { labels: { zone: 'b' } }), one(3, { plan: planOfSteps() })];
      for (const each of submissions) await alone.submit([each]);
      await alone.close();
      const many = openSqlite({ file: among, wall: WALL, timers: BUSY });
      await Promise.all(submissions.map(each => many.submit([each])));
      await many.close();
      for (const table of ['messages', 'commits', 'message_labels', 'idempotency', 'plans']) {
        assert.deepEqual(rowsOf(file, table).map(timeless), rowsOf(among, table).map(timeless), table);
      }
      await assertSound(file, 3);
    }));

  it('is claimed, found by its label and by its key as every other', () =>
    inFolder(async file => {
      const store = openSqlite({ file, timers: BUSY });
      const [first] = await store.submit([one(1, MORE)]);
      const [again] = await store.submit([one(1, MORE)]);
      assert.deepEqual([again?.created, again?.msgid, again?.head], [false, first?.msgid, first?.head]);
      await acceptAlone(store, 1, 2);
      const labelled = await store.messages({ limit: 10, selector: parseSelector('zone=a') });
      assert.deepEqual(
        labelled.map(({ msgid }) => msgid),
        [first?.msgid],
      );
      await acceptAlone(store, 1, 3);
      assert.equal((await claimAt(store, 'net', 10)).length, 3);
      await store.close();
    }));

  it('is put in its place when many wait, though nobody reads', () =>
    inFolder(async file => {
      const store = openSqlite({ file, timers: BUSY });
      await acceptAlone(store, SETTLE_AT + 1);
      assert.deepEqual([rowsOf(file, 'accepted').length, rowsOf(file, 'messages').length], [1, SETTLE_AT]);
      await store.close();
      await assertSound(file, SETTLE_AT + 1);
    }));

  it('is there after a crash, for who opens the store, checks the file or copies it', () =>
    inFolder(async (file, folder) => {
      const store = openSqlite({ file, timers: BUSY });
      await store.submit([one(0, MORE)]);
      await acceptAlone(store, 2, 1);
      store.abandon();
      await assertSound(file, 3);
      assert.equal(rowsOf(file, 'accepted').length, 3);
      const copy = join(folder, 'copy.db');
      const [source, target] = [openSqliteSource(file), openSqliteTarget(copy, [])];
      await copyStore(source, target);
      await Promise.all([source.close(), target.close()]);
      for (const path of [file, copy]) {
        const opened = openSqlite({ file: path, timers: BUSY });
        assert.equal((await opened.messages({ limit: 10 })).length, 3);
        assert.equal(rowsOf(path, 'message_labels').length, 2);
        assert.deepEqual(await acceptAlone(opened, 1, 9), [4]);
        await opened.close();
        await assertSound(path, 4);
      }
    }));

  it('is there once when the process ends between any two statements of the move', () =>
    inFolder(async (_file, folder) => {
      let ended = true;
      for (let at = 0; ended; at++) {
        const file = join(folder, `${at}.db`);
        ended = false;
        let left = Number.POSITIVE_INFINITY;
        const store = openSqlite({
          file,
          timers: BUSY,
          probe: () => {
            if (left-- > 0) return;
            ended = true;
            throw new Error('the process ends here');
          },
        });
        await acceptAlone(store, 3);
        left = at;
        const read = await store.messages({ limit: 10 }).catch(() => null);
        assert.equal(read === null, ended);
        store.abandon();
        await assertSound(file, 3);
        const again = openSqlite({ file, timers: BUSY });
        assert.deepEqual(
          (await again.messages({ limit: 10 })).map(({ msgid }) => msgid),
          [3, 2, 1],
        );
        await again.close();
        await assertSound(file, 3);
      }
    }));

  it('is seen while the disk is full, and put in its place when there is room', () =>
    inFolder(async file => {
      let full = false;
      const store = openSqlite({
        file,
        timers: BUSY,
        probe: sql => {
          if (full && sql.startsWith('INSERT INTO messages'))
            throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
        },
      });
      const msgids = await acceptAlone(store, 2);
      full = true;
      for (const msgid of msgids) assert.equal((await store.message(msgid))?.msgid, msgid);
      assert.equal((await store.commits(msgids[0]!)).length, 1);
      assert.equal(rowsOf(file, 'messages').length, 0);
      // Looks by an index find only what is in its place: to be answered is all that matters while nothing can be written.
      assert.deepEqual([await store.queued(10), await store.readyAddresses()], [0, []]);
      // Accepting needs less room than the move.
      msgids.push(...(await acceptAlone(store, 1, 2)));
      assert.equal((await store.messages({ limit: 10 })).length, 3);
      full = false;
      assert.equal((await store.messages({ limit: 10 })).length, 3);
      assert.deepEqual([rowsOf(file, 'accepted').length, rowsOf(file, 'messages').length], [0, 3]);
      for (const msgid of msgids) assert.equal((await store.message(msgid))?.msgid, msgid);
      await store.close();
      await assertSound(file, 3);
    }));
});
