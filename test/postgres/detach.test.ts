/** Partitions of the ledger: those whose messages are all archived leave in one statement, while work goes on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { ARCHIVES } from '../../src/archive/archive-file.ts';
import { archiveMessages } from '../../src/archive/archive-messages.ts';
import { ArchivedReader } from '../../src/archive/archived-reader.ts';
import { withArchives } from '../../src/archive/with-archives.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { ok } from '../../src/message/outcome.ts';
import { FolderStore } from '../../src/object-store/folder-store.ts';
import { openPlace } from '../../src/object-store/open-place.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import { PARTITION_MESSAGES } from '../../src/store/postgres/migrate.ts';
import type { Store } from '../../src/store/store.ts';
import { claimOne, finish, submitOne } from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests } from './fixture.ts';

const { withDatabase } = postgresTests();

/** As in docs/how-to/archive.md. */
const PARTITIONS = `SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS msgids
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'commits'::regclass ORDER BY c.relname`;

/** A message of two steps, done. */
async function walk(store: Store): Promise<number> {
  const msgid = await submitOne(store, { key: 'value' });
  for (const address of ['net', 'disk'])
    assert.equal((await finish(store, await claimOne(store, address), ok({ [address]: 1 }))).kind, 'written');
  return msgid;
}

const faultsOf = async (store: Store): Promise<readonly string[]> =>
  (await fsckStore(store.scan(), { gapsPossible: true })).faults.map(fault => JSON.stringify(fault));

it('a partition whose messages are archived is detached and dropped while others are written', () =>
  withDatabase(async ({ open, sql }) => {
    const dir = mkdtempSync(join(tmpdir(), 'coax-detach-'));
    try {
      const store = await open();
      const old = await walk(store);
      const kept = await store.commits(old);
      await sql(`SELECT setval('messages_msgid', $1)`, [PARTITION_MESSAGES + 10]);
      const next = await walk(store);
      assert.ok(next > PARTITION_MESSAGES);
      await archiveMessages(store, new FolderStore(dir, ARCHIVES), { before: Number.MAX_SAFE_INTEGER });
      const newest = await walk(store);

      const [first] = await sql(PARTITIONS);
      assert.deepEqual(first, {
        name: 'commits_p000000',
        msgids: `FOR VALUES FROM ('0') TO ('${PARTITION_MESSAGES}')`,
      });
      assert.deepEqual(await sql(`SELECT count(*) AS n FROM commits_p000000`), [{ n: '0' }]);
      let going = true;
      const other = await open();
      const working = (async () => {
        for (; going; ) await walk(other);
      })();
      try {
        await sql('ALTER TABLE commits DETACH PARTITION commits_p000000 CONCURRENTLY');
        await sql('DROP TABLE commits_p000000');
      } finally {
        going = false;
        await working;
      }

      for (const server of [store, await open()]) {
        const readable = withArchives(
          server,
          new ArchivedReader(server, place => openPlace(place, {}, ARCHIVES)),
        );
        assert.deepEqual(await readable.commits(old), kept);
        assert.equal((await readable.commits(newest)).length, 3);
        assert.equal((await server.message(await walk(server)))?.phase, 'done');
        assert.deepEqual(await faultsOf(server), []);
      }
      const names = (await sql(PARTITIONS)).map(({ name }) => name);
      assert.ok(!names.includes('commits_p000000'), 'it does not come back by itself');
    } finally {
      rmSync(dir, { recursive: true });
    }
  }));

it('fsck names the messages whose commits were detached too early', () =>
  withDatabase(async ({ open, sql }) => {
    const store = await open();
    const lost = await walk(store);
    await sql('ALTER TABLE commits DETACH PARTITION commits_p000000 CONCURRENTLY');
    const faults = await faultsOf(store);
    assert.ok(
      faults.some(fault => fault.includes(`"msgid":${lost}`)),
      faults.join('\n'),
    );
    await sql(
      `ALTER TABLE commits ATTACH PARTITION commits_p000000 FOR VALUES FROM (0) TO (${PARTITION_MESSAGES})`,
    );
    assert.deepEqual(await faultsOf(store), [], 'and nothing was lost: it is attached again');
  }));

it('a partition that is written to comes back if it is empty, and is named if it was detached with commits', () =>
  withDatabase(async ({ open, sql }) => {
    let advice = '';
    await (await open()).close();
    const detach = (): Promise<unknown> => sql('ALTER TABLE commits DETACH PARTITION commits_p000000');
    await detach();
    const store = await open();
    const msgid = await walk(store);
    assert.equal((await sql(PARTITIONS))[0]?.name, 'commits_p000000');
    await detach();
    const again = await open();
    assert.ok(
      (await faultsOf(again)).some(fault => fault.includes(`"msgid":${msgid}`)),
      'it can still be looked at',
    );
    await assert.rejects(submitOne(again), error => {
      assert.ok(isCoaxError(error, 'COAX_STORE_UNAVAILABLE'));
      assert.match(error.reason, /commits_p000000 was detached/);
      const attach = /ALTER TABLE commits ATTACH PARTITION [^;]+/.exec(error.hint ?? '')?.[0];
      assert.ok(attach !== undefined);
      advice = attach;
      return true;
    });
    await sql(advice);
    assert.equal((await again.message(await walk(again)))?.phase, 'done');
    assert.deepEqual(await faultsOf(again), []);
  }));
