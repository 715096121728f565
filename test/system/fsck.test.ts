import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import type { FaultKind } from '../../src/ledger/fault.ts';
import { type FsckReport, fsckStore } from '../../src/store/fsck.ts';
import { openSqliteScan } from '../../src/store/sqlite/open-sqlite.ts';
import { makeWorld, type World } from './fsck-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-fsck-'));
const file = join(folder, 'coax.db');
let world: World;
let copies = 0;

before(async () => {
  world = await makeWorld(file);
});
after(() => rmSync(folder, { recursive: true }));

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

async function fsck(path: string): Promise<FsckReport> {
  const scan = openSqliteScan(path);
  try {
    return await fsckStore(scan);
  } finally {
    scan.close();
  }
}

/** Changes a copy of the database behind Coax's back and tells what fsck says to it. */
async function tampered(
  tamper: (db: DatabaseSync) => void,
  damage: (path: string) => void = () => {},
): Promise<FsckReport> {
  const copy = join(folder, `copy-${copies++}.db`);
  copyFileSync(file, copy);
  const db = new DatabaseSync(copy);
  // The copy need not outlive a loss of power.
  db.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF');
  tamper(db);
  db.close();
  damage(copy);
  const report = await fsck(copy);
  for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true });
  return report;
}

const kinds = (report: FsckReport): FaultKind[] =>
  [...new Set(report.faults.map(fault => fault.kind))].sort();
const about = (report: FsckReport) => [...new Set(report.faults.map(fault => fault.msgid))];

describe('fsck of a whole store', () => {
  it('finds nothing in what Coax itself wrote, whatever happened to the messages', async () => {
    const report = await fsck(file);
    assert.deepEqual(report.faults, []);
    assert.ok(report.ok && report.complete);
    const db = new DatabaseSync(file, { readOnly: true });
    const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n;
    assert.deepEqual(
      [report.messages, report.commits, report.allocations],
      [count('messages'), count('commits'), count('allocations')],
    );
    const phases = db.prepare('SELECT DISTINCT phase FROM messages ORDER BY phase').all();
    assert.deepEqual(
      phases.map(row => row.phase),
      ['done', 'open', 'parked', 'rolled_back'],
    );
    const outcomes = db
      .prepare(`SELECT DISTINCT body ->> 'outcome' AS outcome FROM commits ORDER BY 1`)
      .all();
    assert.deepEqual(
      outcomes.map(row => row.outcome),
      ['accepted', 'cancel', 'failed', 'ok', 'parked', 'retry', 'revert', 'rewind', 'split'],
    );
    assert.ok(
      Number(db.prepare('SELECT count(snapshot) AS n FROM commits').get()?.n) >= 2,
      'snapshots were kept',
    );
    db.close();
  });

  /** What the ledger vouches for; the other columns are about leases and waiting, which leave no trace. */
  const columns: Readonly<Record<string, readonly string[]>> = {
    messages: [
      'msgid', 'flow', 'plan', 'mode', 'cursor', 'attempt', 'phase', 'cause', 'error', 'undo_error', 'rewind_to', 'floor',
      'base', 'trail', 'generation', 'seq', 'head', 'address', 'parent_msgid', 'parent_step', 'parent_branch',
      'parent_generation', 'actor', 'created',
    ],
    commits: ['msgid', 'seq', 'id', 'body', 'snapshot'],
    plans: ['hash', 'body'],
  }; // biome-ignore format: a list

  for (const [table, names] of Object.entries(columns)) {
    for (const column of names) {
      it(`finds one changed value of ${table}.${column}, in rows all over the table`, async () => {
        const reader = new DatabaseSync(file, { readOnly: true });
        const key = table === 'plans' ? 'hash' : 'rowid';
        const rows = reader.prepare(`SELECT ${key} AS key, ${column} AS value FROM ${table}`).all();
        reader.close();
        const some = rows.filter((_, index) => index % Math.ceil(rows.length / 12) === 0);
        for (const { key: which, value } of some) {
          const report = await tampered(db => {
            const numeric =
              typeof value === 'number' ||
              (value === null && /msgid|step|branch|generation|_to$/.test(column));
            const other = numeric ? 1_000_000 + Number(value) : otherText(value as string | null);
            db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`).run(other, which as string);
          });
          assert.ok(!report.ok && report.faults.length > 0, `${table}.${column} of ${which}`);
        }
      });
    }
  }

  it('finds a byte changed anywhere within the body of a commit', async () => {
    const db = new DatabaseSync(file, { readOnly: true });
    const { body } = db.prepare('SELECT body FROM commits WHERE msgid = ? AND seq = 1').get(world.done) as {
      body: string;
    };
    db.close();
    for (let at = 0; at < body.length; at += 37) {
      const changed = body.slice(0, at) + (body[at] === 'a' ? 'b' : 'a') + body.slice(at + 1);
      const report = await tampered(db =>
        db.prepare('UPDATE commits SET body = ? WHERE msgid = ? AND seq = 1').run(changed, world.done),
      );
      assert.deepEqual([kinds(report), about(report)], [['hash'], [world.done]], `byte ${at}`);
    }
  });

  it('finds a commit that was removed', async () => {
    const report = await tampered(db =>
      db.prepare('DELETE FROM commits WHERE msgid = ? AND seq = 2').run(world.done),
    );
    assert.deepEqual([kinds(report), about(report)], [['chain', 'order'], [world.done]]);
  });

  it('finds a tail that was removed, with the row still naming it and without', async () => {
    const cut = await tampered(db =>
      db.prepare('DELETE FROM commits WHERE msgid = ? AND seq = 3').run(world.done),
    );
    assert.ok(kinds(cut).includes('head'));
    const hidden = await tampered(db => {
      db.prepare('DELETE FROM commits WHERE msgid = ? AND seq = 3').run(world.done);
      db.prepare(
        'UPDATE messages SET seq = 2, head = (SELECT id FROM commits WHERE msgid = messages.msgid AND seq = 2) WHERE msgid = ?',
      ).run(world.done);
    });
    assert.deepEqual([kinds(hidden), about(hidden)], [['column'], [world.done]]);
  });

  it('finds two commits that changed places', async () => {
    const report = await tampered(db => {
      const swap = db.prepare('UPDATE commits SET seq = ? WHERE msgid = ? AND seq = ?');
      swap.run(99, world.done, 1);
      swap.run(1, world.done, 2);
      swap.run(2, world.done, 99);
    });
    assert.deepEqual(about(report), [world.done]);
    assert.ok(kinds(report).includes('body'));
  });

  it('finds a forged commit with a right hash and a wrong parent', async () => {
    const report = await tampered(db =>
      forge(db, world.done, 3, body => ({ ...body, parent: 'e'.repeat(64) })),
    );
    assert.deepEqual([kinds(report), about(report)], [['chain'], [world.done]]);
  });

  it('finds a forged last commit with a right hash and parent that says what could not follow', async () => {
    const report = await tampered(db =>
      forge(db, world.done, 3, body => ({ ...body, cursor: 1, step: 'm take' })),
    );
    assert.deepEqual([kinds(report), about(report)], [['replay'], [world.done]]);
    const output = await tampered(db =>
      forge(db, world.done, 3, body => ({ ...body, set: { b: 'another' } })),
    );
    assert.deepEqual([kinds(output), about(output)], [['column'], [world.done]]);
  });

  it('finds a message that was removed, with its commits or without', async () => {
    const row = await tampered(db =>
      db.prepare('DELETE FROM messages WHERE msgid = ?').run(world.rolledBack),
    );
    assert.deepEqual([kinds(row), about(row)], [['missing', 'orphan'], [world.rolledBack]]);
    const all = await tampered(db => {
      db.prepare('DELETE FROM messages WHERE msgid = ?').run(world.queued);
      db.prepare('DELETE FROM commits WHERE msgid = ?').run(world.queued);
    });
    assert.deepEqual(all.faults, [
      { kind: 'missing', msgid: world.queued, reason: `message ${world.queued} is missing` },
    ]);
  });

  it('finds a message that was pushed back to an earlier state', async () => {
    const report = await tampered(db =>
      db.prepare(`UPDATE messages SET phase = 'open', mode = 'rollback' WHERE msgid = ?`).run(world.parked),
    );
    assert.deepEqual([kinds(report), about(report)], [['column'], [world.parked]]);
  });

  it('finds an allocation whose message is rolled back or missing', async () => {
    for (const msgid of [world.rolledBack, world.fork, 9999]) {
      const report = await tampered(db =>
        db.prepare(`INSERT INTO allocations VALUES ('ip', '10.9.9.9', ?, '{}', 1)`).run(msgid),
      );
      assert.deepEqual([kinds(report), about(report)], [['allocation'], [msgid]]);
      assert.match(report.faults[0]?.reason ?? '', /^ip 10\.9\.9\.9 is held by message/);
    }
  });

  it('finds a plan that is missing', async () => {
    const report = await tampered(db =>
      db
        .prepare('DELETE FROM plans WHERE hash = (SELECT plan FROM messages WHERE msgid = ?)')
        .run(world.parked),
    );
    assert.deepEqual([kinds(report), about(report)], [['plan'], [world.parked]]);
  });

  for (const name of ['commits_chain', 'commits', 'messages', 'allocations']) {
    it(`tells of a damaged page of ${name} instead of failing`, async () => {
      const db = new DatabaseSync(file, { readOnly: true });
      const { page } = db.prepare('SELECT rootpage AS page FROM sqlite_schema WHERE name = ?').get(name) as {
        page: number;
      };
      const { page_size: size } = db.prepare('PRAGMA page_size').get() as { page_size: number };
      db.close();
      const report = await tampered(
        () => {},
        copy => {
          const bytes = readFileSync(copy);
          bytes.fill(0x5a, (page - 1) * size, page * size);
          writeFileSync(copy, bytes);
        },
      );
      assert.ok(!report.ok && kinds(report).includes('integrity'), JSON.stringify(report));
    });
  }
});

function forge(
  db: DatabaseSync,
  msgid: number,
  seq: number,
  change: (body: Record<string, unknown>) => object,
): void {
  const { body } = db.prepare('SELECT body FROM commits WHERE msgid = ? AND seq = ?').get(msgid, seq) as {
    body: string;
  };
  const forged = change(JSON.parse(body) as Record<string, unknown>);
  const text = JSON.stringify(forged);
  db.prepare('UPDATE commits SET body = ?, id = ? WHERE msgid = ? AND seq = ?').run(
    text,
    sha256(text),
    msgid,
    seq,
  );
  db.prepare('UPDATE messages SET head = ? WHERE msgid = ? AND seq = ?').run(sha256(text), msgid, seq);
}

function otherText(value: string | null): string {
  if (value === null) return 'x';
  // One character in the middle, so that JSON often stays JSON.
  const at = Math.floor(value.length / 2);
  return value.slice(0, at) + (value[at] === '7' ? '8' : '7') + value.slice(at + 1);
}
