/** `coax store copy`: a whole installation moves between the engines, and goes on there. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ARCHIVES } from '../../src/archive/archive-file.ts';
import { archiveMessages } from '../../src/archive/archive-messages.ts';
import { ArchivedReader } from '../../src/archive/archived-reader.ts';
import { checkArchives } from '../../src/archive/check-archives.ts';
import { copyBetween } from '../../src/cli/compose-copy.ts';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import { FolderStore } from '../../src/object-store/folder-store.ts';
import type { CopyProgress } from '../../src/store/copy-store.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { submission } from '../../src/testing/store-conformance/fixture.ts';
import { openFixture } from '../system/cloud-fixture.ts';
import { makeWorld } from '../system/fsck-world.ts';
import { postgresTests } from './fixture.ts';

interface Installation {
  readonly dir: string;
  readonly file: string;
  /** A message whose first step a worker had begun when its server was killed. */
  readonly underWay: number;
}

/** Everything that can happen to messages, two simulated VMs, and a server that was killed in the middle of a step. */
async function makeInstallation(dir: string): Promise<Installation> {
  const file = join(dir, 'coax.db');
  await makeWorld(file);
  let underWay = 0;
  {
    await using server = await openFixture({ dataDir: dir });
    for (const name of ['web', 'db']) {
      const made = await server.run('create_vm', { cpu: 1, mem: 128, name });
      assert.equal(made.phase, 'done', JSON.stringify(made.error));
    }
  }
  {
    await using server = await openFixture({ dataDir: dir, openStore: async () => idle(file) });
    underWay = await server.submit('create_vm', { cpu: 1, mem: 128, name: 'late' });
  }
  const store = openSqlite({ file, schema: installationSchema });
  const claims = await store.claim({ worker: 'gone', addresses: ['resource'], limit: 1, leaseMs: 3_600_000 });
  assert.deepEqual(
    claims.map(({ msgid }) => msgid),
    [underWay],
  );
  await store.submit([submission({ key: 'once' }, { idempotencyKey: 'k1' })]);
  store.abandon();
  return { dir, file, underWay };
}

/** A store in which nobody finds work, so that what is submitted stays. */
async function idle(file: string): Promise<Store> {
  const store = openSqlite({ file, schema: installationSchema });
  store.claim = async () => [];
  return store;
}

const BY = { actor: 'ann', reason: 'enough' };

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

const plain = (rows: readonly object[]): object[] => rows.map(row => ({ ...row }));

/** All that people see of a store. */
async function seen(store: Store): Promise<unknown> {
  const messages = await store.messages({ withChildren: true, limit: 10_000 });
  const ledger = [];
  for (const { msgid } of messages) ledger.push(await store.commits(msgid));
  const some = ledger[0]![0]!;
  return {
    messages: messages.map(({ fence: _fence, begun: _begun, leaseUntil: _lease, ...message }) => message),
    ledger,
    counts: await store.counts(),
    allocations: await store.allocations(),
    found: await store.commitsByPrefix(some.id.slice(0, 10), 5),
    hosts: plain(await store.reader.selectFrom('hosts').selectAll().orderBy('name').execute()),
    free: plain(await store.reader.selectFrom('free_ranges').selectAll().orderBy('low').execute()),
  };
}

async function refused(work: Promise<unknown>, code: string, reason: RegExp): Promise<void> {
  await assert.rejects(work, error => {
    assert.ok(isCoaxError(error), String(error));
    assert.equal(error.code, code, error.reason);
    assert.match(error.reason, reason);
    assert.ok(error.hint.length > 10);
    return true;
  });
}

async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-copy-'));
  try {
    await test(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

describe('store copy', () => {
  const { withDatabase } = postgresTests();

  it('SQLite → PostgreSQL → SQLite: all rows are the same, and servers go on with what was under way', () =>
    withFolder(dir =>
      withDatabase(async ({ url, sql }) => {
        const { file, underWay } = await makeInstallation(dir);
        const before = hashOf(file);
        const progress: CopyProgress[] = [];
        const there = await copyBetween(`sqlite:${dir}`, url, step => progress.push(step));
        assert.equal(hashOf(file), before, 'the source is only read');
        assert.ok(there.messages > 15 && there.commits > 200);
        assert.deepEqual([...new Set(progress.map(({ phase }) => phase))], ['copy', 'compare', 'verify']);
        const back = await copyBetween(url, `sqlite:${join(dir, 'back.db')}`, () => {});
        assert.equal(back.digest, there.digest);
        assert.deepEqual(back.tables, there.tables);
        assert.deepEqual(
          readdirSync(dir).filter(name => name.startsWith('back.db.copying')),
          [],
        );

        const twin = openSqlite({ file: join(dir, 'back.db'), schema: installationSchema });
        const distributed = await openPostgres({ url, schema: installationSchema });
        const original = openSqlite({ file, schema: installationSchema });
        let lastMsgid = 0;
        try {
          const expected = await seen(original);
          lastMsgid = await original.scan().lastMsgid();
          assert.deepEqual(await seen(twin), expected);
          assert.deepEqual(await seen(distributed), expected);
          for (const store of [twin, distributed]) {
            const message = (await store.message(underWay))!;
            assert.deepEqual([message.leaseUntil, message.begun > 0], [null, true]);
            const [again] = await store.submit([submission({ key: 'once' }, { idempotencyKey: 'k1' })]);
            assert.equal(again?.created, false);
          }
        } finally {
          await Promise.all([twin.close(), distributed.close(), original.close()]);
        }

        const msgids: number[] = [];
        for (const openStore of [
          () => openPostgres({ url, schema: installationSchema }),
          async () => openSqlite({ file: join(dir, 'back.db'), schema: installationSchema }),
        ]) {
          await using server = await openFixture({ dataDir: dir, openStore });
          const done = await server.rest(underWay);
          assert.equal(done.phase, 'done', JSON.stringify(done.error));
          const fresh = await server.run('create_vm', { cpu: 1, mem: 128, name: 'fresh' });
          assert.equal(fresh.phase, 'done', JSON.stringify(fresh.error));
          msgids.push(fresh.msgid);
          assert.notEqual(parametersOf(fresh).ip, parametersOf(done).ip);
          assert.deepEqual((await server.cloud.vms()).map(({ name }) => name).sort(), [
            'db',
            'fresh',
            'late',
            'web',
          ]);
          const report = await fsckStore(server.store.scan(), {
            gapsPossible: server.store.capabilities.shared,
          });
          assert.deepEqual(report.faults, []);
          for (const name of ['fresh', 'late']) {
            const vm = (await server.cloud.vm(name))!;
            await server.decisions.revert(vm.msgid, BY, true);
            await server.rest(vm.msgid);
          }
        }
        // Those of PostgreSQL may have holes: the message that was sent a second time had got one.
        const [onPostgres, onSqlite] = msgids as [number, number];
        assert.equal(onSqlite, lastMsgid + 1, 'msgids go on where they stood');
        assert.ok(onPostgres > lastMsgid && onPostgres <= lastMsgid + 2, String(onPostgres));
        const [last] = await sql('SELECT max(pos) AS pos FROM commits');
        assert.ok(Number(last?.pos) > there.commits);
      }),
    ));

  it('an installation of PostgreSQL with holes in its msgids: SQLite knows them', () =>
    withFolder(dir =>
      withDatabase(async ({ url, open, sql }) => {
        const store = await open({ schema: installationSchema });
        await store.submit([submission()]);
        await sql(`SELECT nextval('messages_msgid'), nextval('messages_msgid')`);
        await store.submit([submission(), submission()]);
        await sql(`SELECT nextval('messages_msgid')`);
        await store.close();
        await copyBetween(url, `sqlite:${dir}`, () => {});
        const embedded = openSqlite({ file: join(dir, 'coax.db'), schema: installationSchema });
        try {
          assert.deepEqual((await fsckStore(embedded.scan())).faults, []);
          assert.deepEqual(await embedded.counts(), {
            queued: 3,
            running: 0,
            waiting: 0,
            done: 0,
            rolled_back: 0,
            parked: 0,
          });
          const [next] = await embedded.submit([submission()]);
          assert.equal(next?.msgid, 7);
        } finally {
          await embedded.close();
        }
      }),
    ));

  it('archives are known there, too; a message that is lost without a trace is not taken for archived', () =>
    withFolder(dir =>
      withDatabase(async ({ url, sql }) => {
        const file = join(dir, 'coax.db');
        const world = await makeWorld(file);
        const openPlace = (place: string) => new FolderStore(place, ARCHIVES);
        const source = openSqlite({ file, schema: installationSchema });
        const ledger = await source.commits(world.long);
        const { messages } = await archiveMessages(source, openPlace(join(dir, 'archive')), {
          before: Number.MAX_SAFE_INTEGER,
        });
        await source.close();
        await copyBetween(`sqlite:${file}`, url, () => {});
        const back = join(dir, 'back.db');
        await copyBetween(url, `sqlite:${back}`, () => {});
        const twin = openSqlite({ file: back, schema: installationSchema });
        try {
          const reader = new ArchivedReader(twin, openPlace);
          assert.deepEqual(await reader.commits(world.long), ledger);
          assert.deepEqual((await fsckStore(twin.scan())).faults, []);
          const { archived } = await checkArchives(twin.scan(), openPlace);
          assert.equal(archived, messages);
          await twin.transact(async tx => {
            await tx.db.deleteFrom('commits').where('msgid', '=', world.queued).execute();
            await tx.db.deleteFrom('messages').where('msgid', '=', world.queued).execute();
          });
        } finally {
          await twin.close();
        }
        await refused(
          copyBetween(`sqlite:${back}`, `sqlite:${dir}/lost.db`, () => {}),
          'COAX_FSCK',
          /nothing was kept/,
        );
        assert.equal((await sql('SELECT count(*)::int AS n FROM archives'))[0]?.n, 1);
      }),
    ));

  it('refuses what is in use, what is not empty, and what is damaged, and leaves nothing', () =>
    withFolder(dir =>
      withDatabase(async ({ url, open, sql }) => {
        const file = join(dir, 'a', 'coax.db');
        const source = openSqlite({ file, schema: installationSchema });
        await source.submit([submission()]);
        await refused(
          copyBetween(`sqlite:${file}`, url, () => {}),
          'COAX_STORE_LOCKED',
          /another/,
        );
        await source.close();
        await refused(
          copyBetween(`sqlite:${dir}/none`, url, () => {}),
          'COAX_STORE_UNAVAILABLE',
          /no database/,
        );
        await refused(
          copyBetween(`mysql:${dir}`, url, () => {}),
          'COAX_USAGE',
          /address of a store/,
        );
        const used = await open({ schema: installationSchema });
        await refused(
          copyBetween(`sqlite:${file}`, url, () => {}),
          'COAX_STORE_LOCKED',
          /connections/,
        );
        await used.close();
        await copyBetween(`sqlite:${file}`, url, () => {});
        await refused(
          copyBetween(`sqlite:${file}`, url, () => {}),
          'COAX_STORE_NOT_EMPTY',
          /rows/,
        );
        await refused(
          copyBetween(url, `sqlite:${file}`, () => {}),
          'COAX_STORE_NOT_EMPTY',
          /database/,
        );
        await sql(`UPDATE commits SET body = replace(body, '"actor":"ann"', '"actor":"bob"')`);
        await refused(
          copyBetween(url, `sqlite:${dir}/b`, () => {}),
          'COAX_FSCK',
          /nothing was kept/,
        );
        assert.deepEqual(
          [existsSync(join(dir, 'b', 'coax.db')), existsSync(join(dir, 'b', 'coax.db.copying'))],
          [false, false],
        );
      }),
    ));

  it('a server that writes to the source meanwhile: nothing is kept', () =>
    withFolder(dir =>
      withDatabase(async ({ url, open }) => {
        const store = await open({ schema: installationSchema });
        await store.submit([submission()]);
        await store.close();
        let intruder: Promise<unknown> | undefined;
        const copying = copyBetween(url, `sqlite:${dir}`, () => {
          intruder ??= open({ schema: installationSchema }).then(late => late.submit([submission()]));
        });
        await refused(
          copying.finally(() => intruder),
          'COAX_STORE_LOCKED',
          /connections|meanwhile/,
        );
        assert.equal(existsSync(join(dir, 'coax.db')), false);
      }),
    ));
});
