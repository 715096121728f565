import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { planOfSteps, submitOne } from '../../testing/store-conformance/fixture.ts';
import { copyStore } from '../copy-store.ts';
import { fsckStore } from '../fsck.ts';
import { Connection } from './connection.ts';
import { migrate, openSqlite, openSqliteScan } from './open-sqlite.ts';
import { openSqliteSource, openSqliteTarget } from './raw-sqlite.ts';
import { CORE_SCHEMA } from './schema.ts';
import { lastMsgid } from './statements/last-msgid.ts';

const PLAN = planOfSteps('net take');
const BEFORE = CORE_SCHEMA.filter(({ id }) => id < '0008');

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'coax-sequence-'));
  try {
    await test(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A store with three messages, closed. */
async function three(file: string): Promise<void> {
  const store = openSqlite({ file });
  for (let n = 0; n < 3; n++) await submitOne(store, { n }, { plan: PLAN });
  await store.close();
}

/** The same messages in a database as it was before 0008; message 3 and another one of msgid 4 are gone, rightly. */
function old(file: string, from: string): void {
  const made = new Connection(file, false);
  migrate(made, BEFORE);
  made.exec(`ATTACH '${from}' AS new; INSERT INTO messages SELECT * FROM new.messages WHERE msgid < 3;
    INSERT INTO commits SELECT * FROM new.commits WHERE msgid < 3; INSERT INTO plans SELECT * FROM new.plans;
    UPDATE sqlite_sequence SET seq = 4 WHERE name = 'messages'; INSERT INTO msgid_gaps VALUES (3, 4)`);
  made.close();
}

const schemaOf = (file: string): unknown[] => {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare(`SELECT name, replace(sql, '"', '') AS sql FROM sqlite_schema ORDER BY name`);
  const all = rows.all().map(row => ({ ...row }));
  database.close();
  return all;
};

it('a database from before msgids without a sequence opens with its messages, and gives no msgid twice', () =>
  inFolder(async folder => {
    const [fresh, file] = [join(folder, 'fresh.db'), join(folder, 'coax.db')];
    await three(fresh);
    old(file, fresh);
    const before = openSqliteScan(file);
    assert.equal(await before.lastMsgid(), 4);
    assert.deepEqual((await fsckStore(before)).faults, []);
    before.close();

    const store = openSqlite({ file });
    assert.deepEqual(
      (await store.messages({ limit: 10 })).map(({ msgid, base }) => [msgid, base.n]),
      [
        [2, 1],
        [1, 0],
      ],
    );
    assert.deepEqual((await store.counts()).queued, 2);
    assert.equal(await submitOne(store, { n: 5 }, { plan: PLAN }), 5);
    await store.close();

    const after = openSqliteScan(file);
    assert.deepEqual((await fsckStore(after)).faults, []);
    after.close();
    assert.deepEqual(schemaOf(file), schemaOf(fresh));
  }));

it('a database from before 0008 can be copied as it is', () =>
  inFolder(async folder => {
    const [fresh, file, to] = ['fresh.db', 'coax.db', 'to.db'].map(name => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await three(fresh);
    old(file, fresh);
    const source = openSqliteSource(file);
    const target = openSqliteTarget(to, []);
    const report = await copyStore(source, target);
    assert.equal(report.messages, 2);
    await source.close();
    await target.close();
    const store = openSqlite({ file: to });
    assert.equal(await submitOne(store, { n: 5 }, { plan: PLAN }), 5);
    await store.close();
  }));

it('the newest msgid is kept when the store is idle, so that fsck misses a message that was deleted by hand', () =>
  inFolder(async folder => {
    const file = join(folder, 'coax.db');
    await three(file);
    const made = new Connection(file, false);
    const kept = () =>
      made.get<{ value: number }>(`SELECT value FROM meta WHERE name = 'last_msgid'`)?.value ?? 0;
    const store = openSqlite({ file });
    await submitOne(store, { n: 3 }, { plan: PLAN });
    while (kept() < 4) await new Promise(resolve => setTimeout(resolve, 20));
    await store.close();
    made.exec('DELETE FROM commits WHERE msgid = 4; DELETE FROM messages WHERE msgid = 4');
    assert.equal(lastMsgid(made), 4);
    made.close();
    const scan = openSqliteScan(file);
    const { faults } = await fsckStore(scan);
    scan.close();
    assert.match(JSON.stringify(faults), /4/);
    const again = openSqlite({ file });
    assert.equal(await submitOne(again, { n: 9 }, { plan: PLAN }), 5);
    await again.close();
  }));
