/** One version of skew: a newer server has added to the tables while those of the version before go on. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import pg from 'pg';
import { ok } from '../../src/message/outcome.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import type { Store } from '../../src/store/store.ts';
import { claimOne, finish, submitOne } from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests, until } from '../postgres/fixture.ts';

const { withDatabase } = postgresTests();

/** What a next version may do: columns with defaults, indexes, tables. */
const NEXT = {
  id: '9999-next',
  sql: [
    `ALTER TABLE messages ADD COLUMN priority integer NOT NULL DEFAULT 0`,
    `ALTER TABLE commits ADD COLUMN region text`,
    `ALTER TABLE plans ADD COLUMN size bigint NOT NULL DEFAULT 0`,
    `ALTER TABLE idempotency ADD COLUMN expires bigint`,
    `CREATE INDEX messages_priority ON messages (priority, msgid)`,
    `CREATE TABLE tags (msgid bigint NOT NULL, tag text NOT NULL, PRIMARY KEY (msgid, tag))`,
  ],
};

it('servers of the version before go on while a newer one adds to the tables, and both do each other’s work', () =>
  withDatabase(async ({ open }) => {
    const old = await open();
    // Its statements are prepared before the tables change.
    await walk(old, old);
    let going = true;
    let walked = 0;
    const working = (async () => {
      for (; going; walked++) await walk(old, old);
    })();
    const next = await open({ schema: [NEXT] });
    const before = walked;
    const more = (async () => {
      while (walked < before + 3) await new Promise(resolve => setImmediate(resolve));
    })();
    await Promise.race([more, working]);
    going = false;
    await working;
    await walk(old, next);
    await walk(next, old);
    for (const store of [old, next]) {
      assert.equal((await store.counts()).done, walked + 3);
      assert.deepEqual((await fsckStore(store.scan(), { gapsPossible: true })).faults, []);
    }
    // One that is started anew says so instead of working on tables that it does not know.
    await assert.rejects(open(), { code: 'COAX_STORE_NEWER' });
  }));

it('a migration gives way to whoever holds its tables, and comes through when they let go', () =>
  withDatabase(async ({ open, url, sql }) => {
    const old = await open();
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    try {
      // It reads like a backup; then it writes where the migration has been before it.
      await holder.query('BEGIN; SELECT FROM plans');
      const opening = open({ schema: [NEXT] });
      await until('the migration waits for the table', async () => {
        const waiting = await sql(`SELECT FROM pg_locks WHERE relation = 'plans'::regclass AND NOT granted`);
        return waiting.length > 0;
      });
      await holder.query(`UPDATE messages SET updated = updated`);
      // What others ask of that table is not queued behind the migration for as long as the backup takes.
      await walk(old, old);
      assert.deepEqual(await sql(`SELECT FROM migrations WHERE id = $1`, [NEXT.id]), []);
      await holder.query('COMMIT');
      await walk(old, await opening);
    } finally {
      await holder.end();
    }
  }));

/** Two steps: the first by one store, the second by the other. */
async function walk(first: Store, second: Store): Promise<void> {
  await submitOne(first, { key: 'value' });
  await finish(first, await claimOne(first, 'net'), ok({ a: 1 }));
  const last = await finish(second, await claimOne(second, 'disk'), ok({ b: 2 }));
  assert.equal(last.kind, 'written');
}
