import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { makePostgresCluster, type PostgresCluster } from '../../../testing/postgres-cluster.ts';
import { bigintArray, booleanArray, textArray } from './binary-array.ts';

let cluster: PostgresCluster;
let client: pg.Client;
before(async () => {
  cluster = await makePostgresCluster();
  client = new pg.Client({ connectionString: cluster.socketUrl() });
  await client.connect();
});
after(async () => {
  await client.end();
  await cluster.close();
});

async function echo(type: string, value: Buffer): Promise<unknown> {
  const { rows } = await client.query(`SELECT to_json($1::${type}) AS back`, [value]);
  return rows[0].back;
}

test('PostgreSQL reads back every array as it was', async () => {
  const text = fc.option(fc.string({ unit: 'binary' }).map(value => value.replaceAll('\0', '')));
  await fc.assert(
    fc.asyncProperty(
      fc.array(text),
      fc.array(fc.option(fc.maxSafeInteger())),
      fc.array(fc.boolean()),
      async (texts, numbers, flags) => {
        // A lone surrogate is no text: it is written as the replacement character, as everywhere in Node.
        assert.deepEqual(
          await echo('text[]', textArray(texts)),
          texts.map(value => value?.toWellFormed() ?? null),
        );
        assert.deepEqual(await echo('bigint[]', bigintArray(numbers)), numbers);
        assert.deepEqual(await echo('boolean[]', booleanArray(flags)), flags);
      },
    ),
    { numRuns: 100 },
  );
});

test('the ends of what is safe', async () => {
  const ends = [0, -1, 1, 2 ** 32, -(2 ** 32), 2 ** 31, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
  assert.deepEqual(await echo('bigint[]', bigintArray(ends)), ends);
});
