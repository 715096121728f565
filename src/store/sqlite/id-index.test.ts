import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CommitBody, encodeCommit } from '../../ledger/commit.ts';
import { planOfSteps, submission } from '../../testing/store-conformance/fixture.ts';
import { prefixRange } from '../id-prefix.ts';
import { Connection } from './connection.ts';
import { IdIndex } from './id-index.ts';
import { openSqlite } from './open-sqlite.ts';
import { CORE_SCHEMA } from './schema.ts';
import { readCommitsByPrefix } from './statements/read.ts';

const ACCEPTED: CommitBody = {
  parent: null,
  msgid: 1,
  seq: 0,
  mode: 'normal',
  cursor: 0,
  step: null,
  attempt: 0,
  outcome: 'accepted',
  worker: null,
  code: null,
  actor: 'test',
  started: 1,
  finished: 1,
};
const idOf = (pos: number): string => createHash('sha256').update(String(pos)).digest('hex');

interface Bench {
  readonly connection: Connection;
  ids: IdIndex;
  add(count: number): void;
  /** The seq of the one commit that is found by the start of the id that a position has. */
  found(pos: number): number[];
  entries(): number;
}

function withIndex(check: (bench: Bench) => void): void {
  const dir = mkdtempSync(join(tmpdir(), 'coax-test-'));
  const connection = new Connection(join(dir, 'coax.db'), false);
  try {
    for (const sql of CORE_SCHEMA.flatMap(part => part.sql)) connection.exec(sql);
    const bench: Bench = {
      connection,
      ids: new IdIndex(connection),
      add(count) {
        const from = connection.get<{ n: number }>('SELECT count(*) AS n FROM commits')?.n ?? 0;
        for (let made = from + 1; made <= from + count; made++) {
          const body = encodeCommit({ ...ACCEPTED, seq: made });
          connection.run(
            'INSERT INTO commits VALUES (?, 1, ?, ?, ?, NULL)',
            bench.ids.nextPos(idOf(made)),
            made,
            idOf(made),
            body,
          );
        }
      },
      found: pos =>
        readCommitsByPrefix(connection, bench.ids, idOf(pos).slice(0, 12), 5).map(({ seq }) => seq),
      entries: () => connection.get<{ n: number }>('SELECT count(*) AS n FROM commit_ids')?.n ?? 0,
    };
    check(bench);
  } finally {
    connection.close();
    rmSync(dir, { recursive: true });
  }
}

test('a commit is found once: before it is in the index, while it comes in, and after', () =>
  withIndex(bench => {
    bench.add(30);
    assert.deepEqual(bench.found(7), [7]);
    bench.connection.exec('BEGIN');
    bench.ids.run();
    bench.connection.exec('COMMIT');
    assert.equal(bench.entries(), 30);
    assert.equal(bench.ids.behind, 0);
    assert.deepEqual(bench.found(7), [7]);
    bench.add(3);
    bench.ids.run();
    assert.equal(bench.ids.inTail(...prefixRange(idOf(7).slice(0, 12))).length, 0, 'memory lets go of it');
    assert.deepEqual(bench.found(7), [7]);
    assert.deepEqual(bench.found(33), [33]);
    assert.deepEqual(bench.found(34), []);
  }));

test('a run whose transaction did not happen is made again', () =>
  withIndex(bench => {
    bench.add(10);
    bench.connection.exec('BEGIN');
    bench.ids.run();
    bench.connection.exec('ROLLBACK');
    bench.ids.reload();
    assert.equal(bench.ids.behind, 10);
    assert.deepEqual(bench.found(3), [3]);
    bench.add(5);
    bench.ids.run();
    assert.equal(bench.entries(), 15);
    assert.deepEqual(bench.found(3), [3]);
  }));

test('commits whose transaction did not happen are forgotten, and their positions given again', () =>
  withIndex(bench => {
    bench.add(4);
    bench.connection.exec('BEGIN');
    bench.add(4);
    bench.connection.exec('ROLLBACK');
    bench.ids.reload();
    assert.equal(bench.ids.behind, 4);
    assert.equal(bench.ids.nextPos(idOf(5)), 5);
    assert.deepEqual(bench.ids.inTail(0, 2 ** 48), [1, 2, 3, 4, 5]);
  }));

test('a store that is opened again knows the ids that its index lacks', () =>
  withIndex(bench => {
    bench.add(6);
    bench.ids.run();
    bench.add(2);
    bench.ids = new IdIndex(bench.connection);
    assert.equal(bench.ids.behind, 2);
    for (const pos of [1, 6, 7, 8]) assert.deepEqual(bench.found(pos), [pos]);
  }));

test('many commits come into the index by several runs; each is found at any time, and a run that was undone is made again', () =>
  withIndex(bench => {
    bench.connection.exec('BEGIN');
    bench.add(45_000);
    bench.connection.exec('COMMIT');
    const looked = [1, 20_000, 20_001, 44_999];
    const run = (end: 'COMMIT' | 'ROLLBACK'): void => {
      bench.connection.exec('BEGIN');
      bench.ids.run();
      bench.connection.exec(end);
      if (end === 'COMMIT') bench.ids.keep();
      else bench.ids.reload();
      for (const pos of looked) assert.deepEqual(bench.found(pos), [pos]);
    };
    run('COMMIT');
    assert.ok(bench.ids.isLong, 'more is to be written');
    const first = bench.entries();
    assert.ok(first > 0 && first < 45_000);
    run('ROLLBACK');
    assert.equal(bench.entries(), first);
    // Something else failed meanwhile: what was written durably is not written once more.
    bench.ids.reload();
    run('COMMIT');
    assert.equal(bench.entries(), first * 2);
    assert.equal(bench.ids.behind, 45_000, 'covered when all of them are in it');
    run('ROLLBACK');
    run('COMMIT');
    assert.deepEqual([bench.entries(), bench.ids.behind, bench.ids.isLong], [45_000, 0, false]);
    for (const pos of looked) assert.deepEqual(bench.found(pos), [pos]);
  }));

test('a store that ends between two runs finds every commit when it is opened again', () =>
  withIndex(bench => {
    bench.connection.exec('BEGIN');
    bench.add(30_000);
    bench.ids.run();
    bench.connection.exec('COMMIT');
    bench.ids = new IdIndex(bench.connection);
    for (const pos of [1, 15_000, 30_000]) assert.deepEqual(bench.found(pos), [pos]);
    for (let runs = 0; bench.ids.behind > 0; runs++) {
      assert.ok(runs < 3);
      bench.connection.exec('BEGIN');
      bench.ids.run();
      bench.connection.exec('COMMIT');
      bench.ids.keep();
    }
    assert.equal(bench.entries(), 30_000);
    for (const pos of [1, 15_000, 30_000]) assert.deepEqual(bench.found(pos), [pos]);
  }));

test('a store that has nothing else to do puts all of its commits into the index, run after run', {
  timeout: 120_000,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-test-'));
  const store = openSqlite({ file: join(dir, 'coax.db') });
  try {
    const one = submission({}, { plan: planOfSteps('net take') });
    for (let made = 0; made < 45_000; made += 1000)
      await store.submit(Array.from({ length: 1000 }, () => one));
    const covered = async (): Promise<number> =>
      Number(
        (
          await store.reader.selectFrom('meta').select('value').where('name', '=', 'id_index_pos').execute()
        )[0]?.value,
      );
    while ((await covered()) < 45_000) await new Promise(resolve => setTimeout(resolve, 20));
  } finally {
    await store.close();
    rmSync(dir, { recursive: true });
  }
});
