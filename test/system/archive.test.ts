/** Archives: what is moved out of the store is read as before, and nothing is dropped before it verifies. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AwsV4Signer } from 'aws4fetch';
// @ts-expect-error it brings no types
import S3rver from 's3rver';
import { ARCHIVES } from '../../src/archive/archive-file.ts';
import { type ArchiveTurn, archiveMessages } from '../../src/archive/archive-messages.ts';
import { ArchivedReader } from '../../src/archive/archived-reader.ts';
import { checkArchives } from '../../src/archive/check-archives.ts';
import { Retention } from '../../src/archive/retention.ts';
import { withArchives } from '../../src/archive/with-archives.ts';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { gitExport } from '../../src/ledger/git-export.ts';
import { exec } from '../../src/linux/process/exec.ts';
import { ok } from '../../src/message/outcome.ts';
import { FolderStore } from '../../src/object-store/folder-store.ts';
import type { ObjectStore } from '../../src/object-store/object-store.ts';
import { openPlace } from '../../src/object-store/open-place.ts';
import { exportMessages } from '../../src/store/export.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { claimOne, finish, submitOne } from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests } from '../postgres/fixture.ts';
import { makeWorld, type World } from './fsck-world.ts';

const BY = { actor: 'ann', reason: 'to see' };
const FUTURE = Number.MAX_SAFE_INTEGER;
const open = (place: string): ObjectStore => openPlace(place, process.env, ARCHIVES);

interface Scene {
  readonly dir: string;
  readonly file: string;
  readonly folder: string;
  readonly world: World;
}

async function withWorld(test: (scene: Scene) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-archive-'));
  try {
    const file = join(dir, 'coax.db');
    await test({ dir, file, folder: join(dir, 'archive'), world: await makeWorld(file) });
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function using<T>(store: Store, work: (store: Store) => Promise<T>): Promise<T> {
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const readable = (store: Store): Store => withArchives(store, new ArchivedReader(store, open));

/** All that the API can show of these messages. */
async function seen(store: Store, msgids: readonly number[]): Promise<unknown> {
  const all = [];
  for (const msgid of msgids) {
    const commits = await store.commits(msgid);
    const middle = commits[Math.floor(commits.length / 2)]!;
    all.push({
      message: await store.message(msgid),
      commits,
      newest: await store.commits(msgid, { order: 'newest', limit: 2, toSeq: middle.seq }),
      children: (await store.children(msgid)).map(child => child.msgid),
      parameters: await store.parametersAt(msgid, middle.seq),
      beyond: [await store.parametersAt(msgid, 10_000), await store.commits(msgid, { fromSeq: 10_000 })],
      byPrefix: (await store.commitsByPrefix(middle.id.slice(0, 16), 2)).map(({ id }) => id),
      byShort: (await store.commitsByPrefix(middle.id.slice(0, 4), 9)).some(({ id }) => id === middle.id),
    });
  }
  return all;
}

async function exported(store: Store): Promise<string> {
  let stream = '';
  for await (const chunk of gitExport(exportMessages(store))) stream += chunk;
  return stream;
}

async function msgidsOf(store: Store): Promise<number[]> {
  return (await store.messages({ withChildren: true, limit: 1000 })).map(({ msgid }) => msgid);
}

async function faultsOf(store: Store): Promise<readonly string[]> {
  const { faults } = await fsckStore(store.scan(), { gapsPossible: store.capabilities.shared });
  const archives = await checkArchives(store.scan(), open);
  return [...faults, ...archives.faults].map(({ reason }) => reason);
}

describe('archives', () => {
  it('what is archived is read as before; what holds something, is parked or under way stays', () =>
    withWorld(({ file, folder, world }) =>
      using(openSqlite({ file }), async store => {
        const all = await msgidsOf(store);
        const before = await seen(store, all);
        const counts = await store.counts();
        const report = await archiveMessages(store, new FolderStore(folder, ARCHIVES), { before: FUTURE });
        assert.ok(report.messages > 8 && report.kept === 0);
        const left = await msgidsOf(store);
        assert.equal(left.length + report.messages, all.length);
        for (const name of ['done', 'parked', 'queued', 'rewound'] as const)
          assert.ok(left.includes(world[name]), name);
        for (const name of ['rolledBack', 'group', 'failedGroup', 'fork', 'long'] as const)
          assert.ok(!left.includes(world[name]), name);
        const archived = readable(store);
        assert.deepEqual(await seen(archived, all), before);
        assert.deepEqual(await faultsOf(store), []);
        const now = await store.counts();
        assert.deepEqual({ ...now, done: 0, rolled_back: 0 }, { ...counts, done: 0, rolled_back: 0 });
        assert.equal(counts.done + counts.rolled_back - now.done - now.rolled_back, report.messages);
        const listed = await archived.messages({ archived: true, withChildren: true, limit: 1000 });
        assert.deepEqual(
          listed.map(({ msgid }) => msgid),
          all.filter(msgid => !left.includes(msgid)),
        );
        assert.deepEqual(
          (await archived.messages({ archived: true, flow: 'group', limit: 5 })).map(({ msgid }) => msgid),
          [world.group],
        );
        assert.equal(
          (await archiveMessages(store, new FolderStore(folder, ARCHIVES), { before: FUTURE })).messages,
          0,
        );
      }),
    ));

  it('the export is the same before, after, and while messages are archived', () =>
    withWorld(({ file, folder }) =>
      using(openSqlite({ file }), async store => {
        const before = await exported(store);
        const meanwhile = gitExport(exportMessages(readable(store)));
        const chunks = [(await meanwhile.next()).value, (await meanwhile.next()).value];
        const report = await archiveMessages(store, new FolderStore(folder, ARCHIVES), { before: FUTURE });
        assert.ok(report.messages > 8);
        for await (const chunk of meanwhile) chunks.push(chunk);
        assert.equal(chunks.join(''), before);
        assert.equal(await exported(readable(store)), before);
        assert.notEqual(await exported(store), before);
      }),
    ));

  it('a decision about an archived message is refused with what to do; a fork of it works', () =>
    withWorld(({ file, folder, world }) =>
      using(openSqlite({ file }), async store => {
        await archiveMessages(store, new FolderStore(folder, ARCHIVES), { before: FUTURE });
        const decisions = makeDecisions(readable(store));
        await assert.rejects(decisions.revert(world.long, BY), error => {
          assert.ok(isCoaxError(error, 'COAX_MESSAGE_STATE'), String(error));
          assert.match(error.reason, /archived/);
          return true;
        });
        await assert.rejects(decisions.revert(99_999, BY), { code: 'COAX_MESSAGE_NOT_FOUND' });
        const [, first] = await readable(store).commits(world.long);
        const forked = await decisions.fork(first!.id, { cpu: 16 }, BY);
        assert.equal(forked.phase, 'open');
        assert.deepEqual(await faultsOf(store), []);
      }),
    ));

  it('only what is old, and only as long as it is as it was', () =>
    withWorld(({ file, folder, world }) =>
      using(openSqlite({ file }), async store => {
        const objects = new FolderStore(folder, ARCHIVES);
        assert.equal(
          (await archiveMessages(store, objects, { before: store.now() - 3_600_000 })).messages,
          0,
        );
        const before = await msgidsOf(store);
        const report = await archiveMessages(store, objects, {
          before: FUTURE,
          onTurn: async turn => {
            if (turn === 'verified') await makeDecisions(store).revert(world.long, BY);
          },
        });
        assert.equal(report.messages, 0);
        assert.ok(report.kept > 8);
        assert.deepEqual(await msgidsOf(store), before);
        assert.deepEqual(await faultsOf(store), []);
      }),
    ));

  const turns: readonly ArchiveTurn[] = ['begun', 'written', 'indexed', 'verified', 'dropped'];
  for (const turn of turns) {
    it(`killed when it is ${turn}: every message is in the store or in a known archive, and the next run ends it`, () =>
      withWorld(async ({ file, folder }) => {
        const { all, before } = await using(openSqlite({ file }), async store => {
          const msgids = await msgidsOf(store);
          return { all: msgids, before: await seen(store, msgids) };
        });
        const killed = await exec(process.execPath, [
          '--disable-warning=ExperimentalWarning',
          fileURLToPath(new URL('./archive-child.ts', import.meta.url)),
          file,
          folder,
          turn,
        ]);
        assert.equal(killed.signal, 'SIGKILL', killed.stderr);
        await using(openSqlite({ file }), async store => {
          assert.deepEqual(await seen(readable(store), all), before);
          assert.deepEqual(await faultsOf(store), []);
          assert.equal((await msgidsOf(store)).length < all.length, turn === 'dropped');
          await archiveMessages(store, new FolderStore(folder, ARCHIVES), { before: FUTURE });
          assert.deepEqual(await seen(readable(store), all), before);
          assert.equal(readdirSync(folder).length, 2, 'the same content gives the same file');
          assert.deepEqual(await faultsOf(store), []);
        });
      }));
  }

  it('a file that is damaged after it was written: nothing is dropped', () =>
    withWorld(({ file, folder }) =>
      using(openSqlite({ file }), async store => {
        const before = await msgidsOf(store);
        for (const [turn, suffix] of [
          ['written', ''],
          ['indexed', '.ids'],
        ] as const) {
          const archiving = archiveMessages(store, new FolderStore(folder, ARCHIVES), {
            before: FUTURE,
            onTurn: (now, name) => {
              if (now === turn) damage(join(folder, `${name}${suffix}`));
            },
          });
          await assert.rejects(archiving, { code: 'COAX_ARCHIVE_CORRUPT' });
          assert.deepEqual(await msgidsOf(store), before);
        }
      }),
    ));

  it('a message whose chain does not verify is not archived', () =>
    withWorld(({ file, folder, world }) =>
      using(openSqlite({ file }), async store => {
        await store.transact(tx =>
          tx.db
            .updateTable('messages')
            .set({ trail: '[{"step":0,"set":{"forged":1}}]' })
            .where('msgid', '=', world.long)
            .execute(),
        );
        const before = await msgidsOf(store);
        await assert.rejects(
          archiveMessages(store, new FolderStore(folder, ARCHIVES), { before: FUTURE }),
          error => {
            assert.ok(isCoaxError(error, 'COAX_STORE_CORRUPT'), String(error));
            assert.match(error.reason, new RegExp(`message ${world.long}`));
            return true;
          },
        );
        assert.deepEqual(await msgidsOf(store), before);
      }),
    ));

  it('fsck finds a byte changed anywhere in an archive file, and a file that is gone', () =>
    withWorld(({ file, folder }) =>
      using(openSqlite({ file }), async store => {
        const { archives } = await archiveMessages(store, new FolderStore(folder, ARCHIVES), {
          before: FUTURE,
        });
        const { name } = archives[0]!;
        for (const path of [join(folder, name), join(folder, `${name}.ids`)]) {
          const bytes = readFileSync(path);
          for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 40)) {
            const changed = Buffer.from(bytes);
            changed[at]! ^= 0x10;
            writeFileSync(path, changed);
            assert.equal((await faultsOf(store)).length, 1, `byte ${at} of ${path}`);
          }
          rmSync(path);
          assert.match((await faultsOf(store)).join(), /missing/);
          writeFileSync(path, bytes);
          assert.deepEqual(await faultsOf(store), []);
        }
      }),
    ));

  it('positions and msgids go on after the newest were archived, and new commits are found by their ids', () =>
    withWorld(async ({ file, folder }) => {
      const { last } = await using(openSqlite({ file }), async store => {
        const msgid = await submitOne(store);
        for (const address of ['net', 'disk']) await finish(store, await claimOne(store, address), ok());
        await archiveMessages(store, new FolderStore(folder, ARCHIVES), { before: FUTURE });
        assert.equal(await store.message(msgid), null);
        return { last: msgid };
      });
      await using(openSqlite({ file }), async store => {
        const msgid = await submitOne(store);
        assert.equal(msgid, last + 1);
        const [commit] = await store.commits(msgid);
        assert.equal((await store.commitsByPrefix(commit!.id.slice(0, 12), 2)).length, 1);
      });
      await using(openSqlite({ file }), async store => {
        const [commit] = await store.commits(last + 1);
        assert.equal((await store.commitsByPrefix(commit!.id.slice(0, 12), 2)).length, 1);
        assert.deepEqual(await faultsOf(store), []);
      });
    }));

  it('by itself, when the server is told to', () =>
    withWorld(({ file, folder }) =>
      using(openSqlite({ file }), async store => {
        const reported = Promise.withResolvers<number>();
        const retention = new Retention(store, {
          retainMs: -1000,
          objects: new FolderStore(folder, ARCHIVES),
          onReport: ({ messages }) => reported.resolve(messages),
          onFault: error => reported.reject(error),
        });
        try {
          assert.ok((await reported.promise) > 8);
        } finally {
          await retention.close();
        }
      }),
    ));
});

function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
}

describe('archives on PostgreSQL', () => {
  const { withDatabase } = postgresTests();

  it('what is archived is read as before', () =>
    withDatabase(async ({ open: openStore }) => {
      const dir = mkdtempSync(join(tmpdir(), 'coax-archive-'));
      try {
        const store = await openStore();
        const done = await submitOne(store, { a: 1 });
        for (const address of ['net', 'disk'])
          await finish(store, await claimOne(store, address), ok({ [address]: 1 }));
        const queued = await submitOne(store);
        const before = await seen(store, [done, queued]);
        const report = await archiveMessages(store, new FolderStore(dir, ARCHIVES), { before: FUTURE });
        assert.deepEqual([report.messages, await store.message(done)], [1, null]);
        assert.deepEqual(await seen(readable(store), [done, queued]), before);
        assert.deepEqual(await faultsOf(store), []);
      } finally {
        rmSync(dir, { recursive: true });
      }
    }));
});

describe('archives in a bucket', () => {
  it('are put, listed, read and verified; what the store says no to is told', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'coax-s3-'));
    const server = new S3rver({
      port: await freePort(),
      address: '127.0.0.1',
      silent: true,
      directory: dir,
      configureBuckets: [{ name: 'coax', configs: [] }],
    });
    const { port } = await server.run();
    const env = {
      COAX_S3_ENDPOINT: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
    };
    const openS3 = (place: string): ObjectStore => openPlace(place, env, ARCHIVES);
    try {
      const bucket = openS3('s3://coax/some/place');
      assert.equal(bucket.place, 's3://coax/some/place');
      assert.deepEqual(await bucket.list(), []);
      assert.equal(await bucket.get('none'), null);
      const bytes = Buffer.from([0, 255, 10, 13]);
      await bucket.put('a & b', bytes);
      assert.deepEqual(await bucket.get('a & b'), bytes);
      assert.deepEqual(await bucket.list(), ['a & b']);
      await withWorld(({ file, world }) =>
        using(openSqlite({ file }), async store => {
          const all = await msgidsOf(store);
          const before = await seen(store, all);
          const report = await archiveMessages(store, bucket, { before: FUTURE });
          assert.equal(report.place, 's3://coax/some/place');
          const archived = withArchives(store, new ArchivedReader(store, openS3));
          assert.deepEqual(await seen(archived, all), before);
          assert.equal((await archived.message(world.long))?.phase, 'done');
          assert.deepEqual((await checkArchives(store.scan(), openS3)).faults, []);
        }),
      );
      await assert.rejects(openS3('s3://nowhere/x').put('a', bytes), error => {
        assert.ok(isCoaxError(error, 'COAX_ARCHIVE_UNAVAILABLE'), String(error));
        assert.match(error.reason, /NoSuchBucket/);
        assert.equal(error.where, 's3://nowhere/x/a');
        return true;
      });
    } finally {
      await server.close();
      rmSync(dir, { recursive: true });
    }
    assert.ok(!existsSync(dir));
  });

  it('says which keys are missing', () => {
    assert.throws(() => openPlace('s3://coax/x', {}, ARCHIVES), { code: 'COAX_USAGE' });
    assert.throws(() => openPlace('ftp://x', {}, ARCHIVES), { code: 'COAX_USAGE' });
  });

  it("requests are signed as in Amazon's own example of a GET", async () => {
    // Signature Calculations for the Authorization Header, example "GET Object" (S3 API reference, sig-v4-header-based-auth).
    const signer = new AwsV4Signer({
      method: 'GET',
      url: 'https://examplebucket.s3.amazonaws.com/test.txt',
      headers: {
        range: 'bytes=0-9',
        'x-amz-content-sha256': 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      },
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      service: 's3',
      region: 'us-east-1',
      datetime: '20130524T000000Z',
      allHeaders: true,
    });
    assert.equal(
      await signer.signature(),
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });
});
