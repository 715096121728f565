/** The first start of a version on what the one before has written. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { migrate } from '../../src/store/sqlite/open-sqlite.ts';
import { CORE_SCHEMA } from '../../src/store/sqlite/schema.ts';
import { Processes } from '../system/process-fixture.ts';

test('coax up --detach says that the database is brought up to date, once; a new one is not', async () => {
  await using processes = new Processes();
  const up = ['up', '--simulate', '--detach', '--listen', '127.0.0.1:0'];
  const start = async (): Promise<string> => {
    const program = processes.coax('data', up);
    assert.equal(await program.ended, 0, program.output);
    const stopped = processes.coax('data', ['down']);
    assert.equal(await stopped.ended, 0, stopped.output);
    return program.output;
  };
  const older = processes.coax('other', up);
  assert.equal(await older.ended, 0, older.output);
  assert.doesNotMatch(older.output, /brought up to date/);
  assert.equal(await processes.coax('other', ['down']).ended, 0);

  mkdirSync(processes.path('data'));
  const made = new Connection(processes.path('data/coax.db'), false);
  const parts = [...CORE_SCHEMA, ...installationSchema];
  migrate(
    made,
    parts.filter(({ id }) => id !== '0008-no-sequence'),
  );
  made.close();
  const told = /the database \(\d+ MiB\) is brought up to date: 0008-no-sequence$/m;
  assert.match(await start(), told);
  assert.match(readFileSync(processes.path('data/server.log'), 'utf8'), told);
  assert.doesNotMatch(await start(), told);
});
