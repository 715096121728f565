/** Commits of transactions that end in another order than they began. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import pg from 'pg';
import { submitOne } from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests, until } from './fixture.ts';

const tests = postgresTests();
/** In this time the feed looks at least twice without being told. */
const TWO_LOOKS_MS = 2500;

it('what a transaction commits that nothing else ended after is told of, however long it takes', () =>
  tests.withDatabase(async ({ open, url }) => {
    const [writer, listener] = [await open(), await open()];
    const msgid = await submitOne(writer);
    const told: string[] = [];
    listener.onCommit(events => {
      for (const { message, commits } of events)
        told.push(...commits.map(({ seq }) => `${message.msgid}.${seq}`));
    });
    // What was there at its first look is nothing new.
    await until('the listener looks', async () => {
      await submitOne(writer);
      return told.length > 0;
    });
    // It has its number, the highest of all, and its place in the order of commits; the listener looks meanwhile.
    const late = new pg.Client({ connectionString: url });
    await late.connect();
    await late.query('BEGIN');
    await late.query(
      `INSERT INTO commits (msgid, seq, prefix, origin, id, body)
       SELECT msgid, 1, prefix, 1, id, replace(body, '"seq":0', '"seq":1') FROM commits WHERE msgid = $1 AND seq = 0`,
      [msgid],
    );
    await new Promise(resolve => setTimeout(resolve, TWO_LOOKS_MS));
    assert.ok(!told.includes(`${msgid}.1`), 'nobody knows of what is not durable');
    await late.query('COMMIT');
    await late.end();
    await until('the late one is told of', () => told.includes(`${msgid}.1`));
    assert.equal(told.filter(seen => seen === `${msgid}.1`).length, 1, 'once');
  }));
