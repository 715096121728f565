/** What docs/how-to/move-to-postgresql.md shows of PostgreSQL (blocks marked `console postgres`) is run on a real one. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makePostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { Console, commandsOf, firstMissing, ROOT } from './console.ts';

const PAGE = 'docs/how-to/move-to-postgresql.md';
const SHOWN = 'postgres://coax@db.example/coax';

test(`${PAGE}: every command does what the page shows`, async () => {
  const page = readFileSync(join(ROOT, PAGE), 'utf8');
  const commands = commandsOf(
    page.replaceAll('```console\n', '```\n').replaceAll('```console postgres\n', '```console\n'),
  );
  assert.ok(commands.length > 10);
  const cluster = await makePostgresCluster();
  try {
    await cluster.createDatabase('coax');
    const here = (text: string): string => text.replaceAll(SHOWN, cluster.url('coax'));
    const console = new Console();
    try {
      for (const { line, command, answer } of commands) {
        const { text, status } = await console.run(here(command));
        const told = `${PAGE}:${line}\n$ ${command}\n${text}(status ${status})`;
        assert.equal(firstMissing(answer.map(here), text), undefined, told);
        assert.equal(status, 0, told);
      }
    } finally {
      await console.close();
    }
  } finally {
    await cluster.close();
  }
});
