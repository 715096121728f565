import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Checkpoints, MANY, PAGES_MAX } from './checkpoints.ts';

interface Log {
  readonly pages: number;
  readonly copied: number;
}

interface Written {
  readonly file: string;
  readonly writer: DatabaseSync;
  /** One transaction that adds about so many pages to the log. */
  write(pages: number): void;
  log(): Log;
}

async function withDatabase(test: (written: Written) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-checkpoints-'));
  const file = join(dir, 'coax.db');
  const writer = new DatabaseSync(file);
  try {
    writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (body BLOB)');
    await test({
      file,
      writer,
      write: pages => writer.prepare('INSERT INTO t VALUES (zeroblob(?))').run(pages * 4096),
      log() {
        const { log, checkpointed } = writer.prepare('PRAGMA wal_checkpoint(NOOP)').get() as Record<
          string,
          number
        >;
        return { pages: log!, copied: checkpointed! };
      },
    });
  } finally {
    if (writer.isOpen) writer.close();
    rmSync(dir, { recursive: true });
  }
}

const autocheckpoint = (database: DatabaseSync): unknown =>
  Object.values(database.prepare('PRAGMA wal_autocheckpoint').get() ?? {})[0];

/** Until it holds; the test's own limit is the only one. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(2);
}

describe('the log of the embedded store', { timeout: 120_000 }, () => {
  it('is copied by a thread while the writers go on, and is then written from its beginning', () =>
    withDatabase(async ({ file, writer, write, log }) => {
      const checkpoints = new Checkpoints(writer, file);
      write(PAGES_MAX + 10);
      assert.equal(log().copied, 0);
      checkpoints.between(MANY);
      // Nothing of this connection copies anything here.
      await until(() => log().copied === log().pages);
      // The thread may still have its locks, with which nobody begins anew.
      await until(() => {
        write(1);
        return log().pages < PAGES_MAX;
      });
      await checkpoints.close();
    }));

  it('loses its rest to the writers: what was added while the thread was at it', () =>
    withDatabase(async ({ file, writer, write, log }) => {
      const checkpoints = new Checkpoints(writer, file);
      write(PAGES_MAX + 10);
      checkpoints.between(MANY);
      write(50);
      await until(() => log().copied >= PAGES_MAX);
      // Its word may still be under way.
      await until(() => {
        write(1);
        checkpoints.between(MANY);
        return log().pages < PAGES_MAX;
      });
      assert.equal(writer.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok');
      await checkpoints.close();
    }));

  it('is copied at once where transactions are of few things, and by the thread again where they are of many', () =>
    withDatabase(async ({ file, writer, write, log }) => {
      const checkpoints = new Checkpoints(writer, file);
      write(PAGES_MAX + 10);
      checkpoints.between(MANY - 1);
      assert.equal(log().copied, log().pages);
      write(PAGES_MAX + 10);
      checkpoints.between(MANY);
      checkpoints.between(1);
      await until(() => log().copied === log().pages);
      await checkpoints.close();
    }));

  it('is copied early when nobody writes, and not where it is short', () =>
    withDatabase(async ({ file, writer, write, log }) => {
      const checkpoints = new Checkpoints(writer, file);
      write(100);
      checkpoints.idle();
      assert.equal(log().copied, 0);
      write(600);
      checkpoints.between(MANY);
      assert.equal(log().copied, 0);
      checkpoints.idle();
      assert.equal(log().copied, log().pages);
      await checkpoints.close();
    }));

  it('leaves no connection behind when it closes', () =>
    withDatabase(async ({ file, writer, write, log }) => {
      const checkpoints = new Checkpoints(writer, file);
      write(PAGES_MAX + 10);
      checkpoints.between(MANY);
      await checkpoints.close();
      assert.equal(autocheckpoint(writer), PAGES_MAX);
      // Only the sole connection may do this.
      assert.equal(writer.prepare('PRAGMA journal_mode = DELETE').get()?.journal_mode, 'delete');
      assert.ok(log().pages <= 0);
    }));

  it('is copied by SQLite itself when the thread cannot be had', () =>
    withDatabase(async ({ file, writer, write, log }) => {
      const checkpoints = new Checkpoints(writer, join(file, 'no-folder', 'coax.db'));
      assert.notEqual(autocheckpoint(writer), PAGES_MAX);
      write(PAGES_MAX + 10);
      checkpoints.between(MANY);
      await until(() => autocheckpoint(writer) === PAGES_MAX);
      write(1);
      assert.equal(log().copied, log().pages);
      checkpoints.between(MANY);
      await checkpoints.close();
    }));
});
