/** Commits are found by the beginning of their id, through an index that is made while servers of the version before go on. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ok } from '../../src/message/outcome.ts';
import { PARTITION_MESSAGES } from '../../src/store/postgres/migrate.ts';
import { COMMITS_BY_BLOCK } from '../../src/store/postgres/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { claimOne, finish, submission, submitOne } from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests } from './fixture.ts';

const { withDatabase } = postgresTests();

/** Indexes of `commits` and of its partitions that find by prefix, with those of partitions that belong to none of `commits`. */
const INDEXES = `SELECT c.relname AS name, i.indisvalid AS valid, c.relispartition OR c.relkind = 'I' AS joined
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE pg_get_indexdef(c.oid) LIKE '%prefix%' ORDER BY 1`;

/** What the version before has made. */
const BACK = [
  'DROP INDEX commits_block',
  'CREATE INDEX commits_prefix ON commits (prefix)',
  `DELETE FROM migrations WHERE id = '${COMMITS_BY_BLOCK}'`,
];

it('a commit is found in whichever block of positions and partition it lies', () =>
  withDatabase(async ({ open, sql }) => {
    const store = await open();
    const heads: string[] = [];
    for (const pos of [1, 16_000, 16_384, 40_000, 2 ** 31, 2 ** 40]) {
      await sql(`SELECT setval('commits_pos', ${pos})`);
      heads.push(...(await submitSome(store, 20)));
      if (pos === 40_000) await sql(`SELECT setval('messages_msgid', ${2 * PARTITION_MESSAGES - 10})`);
    }
    for (const head of heads) {
      for (const digits of [4, 11, 12, 13, 64]) {
        const found = await store.commitsByPrefix(head.slice(0, digits), 10);
        assert.ok(
          found.some(({ id }) => id === head),
          `${head.slice(0, digits)}…`,
        );
        assert.ok(found.every(({ id }) => id.startsWith(head.slice(0, digits))));
      }
    }
    // As many as are asked for, of several partitions.
    const all = await sql(
      `SELECT substr(id, 1, 4) AS four FROM commits GROUP BY 1 HAVING count(*) > 1 LIMIT 1`,
    );
    if (all[0] !== undefined) assert.equal((await store.commitsByPrefix(String(all[0].four), 1)).length, 1);
  }));

it('the index replaces the one of the version before while others write, and what a broken attempt left is made anew', () =>
  withDatabase(async ({ open, sql }) => {
    const old = await open();
    const heads = await submitSome(old, 50);
    for (const statement of BACK) await sql(statement);
    // Which fails, since all keys are the same, and leaves an index that is not valid under this name.
    await assert.rejects(
      sql('CREATE UNIQUE INDEX CONCURRENTLY commits_p000000_commits_block ON commits_p000000 ((1))'),
    );
    let going = true;
    const written: string[] = [];
    const working = (async () => {
      while (going) written.push(...(await walk(old)));
    })();
    // Two begin at the same time.
    const [next, other] = await Promise.all([open(), open()]);
    written.push(...(await walk(next)));
    going = false;
    await working;
    const indexes = await sql(INDEXES);
    assert.deepEqual(
      indexes.map(({ name }) => name),
      ['commits_block', 'commits_p000000_commits_block', 'commits_p000001_commits_block'],
    );
    assert.ok(
      indexes.every(({ valid, joined }) => valid === true && joined === true),
      JSON.stringify(indexes),
    );
    for (const store of [old, next, other]) {
      for (const head of [...heads, ...written])
        assert.deepEqual(
          (await store.commitsByPrefix(head.slice(0, 16), 5)).map(({ id }) => id),
          [head],
        );
    }
  }));

async function submitSome(store: Store, count: number): Promise<string[]> {
  const accepted = await store.submit(Array.from({ length: count }, (_, n) => submission({ n })));
  return accepted.map(({ head }) => head);
}

/** A message and its first step. Returns the ids of both commits. */
async function walk(store: Store): Promise<string[]> {
  const msgid = await submitOne(store, { key: 'value' });
  const answer = await finish(store, await claimOne(store, 'net'), ok({ a: 1 }));
  assert.equal(answer.kind, 'written');
  return (await store.commits(msgid)).map(({ id }) => id);
}
