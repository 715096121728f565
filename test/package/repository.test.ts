/** The repository as its server keeps it, on both engines, in a folder and in a real S3 store. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { keyBox } from '../../src/cli/compose/open-package-repository.ts';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { makeClient } from '../../src/client/client.ts';
import { digestOf, manifestBytes, parseManifest } from '../../src/package/format/manifest.ts';
import type { CollectReport } from '../../src/package/repository/garbage/collect.ts';
import { Collection } from '../../src/package/repository/garbage/collection.ts';
import { GarbageBook } from '../../src/package/repository/garbage/garbage-book.ts';
import { objectsOf, openRepository } from '../../src/package/repository/open-repository.ts';
import { unpublishPackages } from '../../src/package/repository/publish.ts';
import { targetObject } from '../../src/package/repository/published.ts';
import { hashesOf } from '../../src/package/repository/repository-contents.ts';
import {
  type FileKind,
  filesIn,
  type RepositoryFiles,
} from '../../src/package/repository/repository-files.ts';
import { repositoryTables } from '../../src/package/repository/schema.ts';
import { TrustedRepository } from '../../src/package/repository/trusted-repository.ts';
import { verifyRepository } from '../../src/package/repository/verify-repository.ts';
import { openSecrets } from '../../src/secret/open-secrets.ts';
import { openPostgres } from '../../src/store/postgres/open-postgres.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { makePostgresCluster, type PostgresCluster } from '../../src/testing/postgres-cluster.ts';
import { openServed } from '../system/access-fixture.ts';
import { newKey, Publisher } from './publisher.ts';
import { SwiftServer } from './swift-server.ts';

const dirs: string[] = [];
after(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true });
});
const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-repository-'));
  dirs.push(dir);
  return dir;
};

/** A repository on a store, with what reads it. `again` opens it as another server on the same store does. */
/** The key that something is sealed by. */
const keyOf = (sealed: unknown): string => /"key":"([^"]+)"/.exec(JSON.stringify(sealed))?.[1] ?? '';

async function open(store: Store, place = join(folder(), 'place'), env: Record<string, string> = {}) {
  const secrets = await openSecrets(store, join(folder(), 'keys.json'));
  const again = () => openRepository({ store, box: keyBox(secrets), place, tempDir: folder(), env });
  const repository = again();
  return { repository, again, place, publisher: new Publisher(repository), secrets };
}

const trust = (files: RepositoryFiles, dir = folder()) => new TrustedRepository({ files, folder: dir });
const versions = async (files: RepositoryFiles): Promise<string[]> =>
  (await trust(files).versions('web')).sort();

/** Counts what a reader asks for. */
function counted(files: RepositoryFiles): { files: RepositoryFiles; asked: Record<FileKind, string[]> } {
  const asked: Record<FileKind, string[]> = { metadata: [], targets: [], contents: [] };
  const open = (kind: FileKind, name: string) => {
    asked[kind].push(name);
    return files.open(kind, name);
  };
  return { files: { name: files.name, open }, asked };
}

/** `openStore`: a new one each time. */
function suite(openStore: (name: string) => Promise<Store>): void {
  let store: Store;
  let opened = 0;
  beforeEach(async () => {
    store = await openStore(`packages${++opened}`);
  });
  afterEach(() => store.close());

  it('publishes, refuses what it should, renews and rotates; readers of the place see the same', async () => {
    const { repository, again, place, publisher, secrets } = await open(store);
    assert.equal(await repository.state(), null);
    await assert.rejects(repository.packages(), { code: 'COAX_REPOSITORY_STATE' });
    await publisher.init();
    await assert.rejects(publisher.init(), { code: 'COAX_REPOSITORY_STATE' });
    const inPlace = filesIn(objectsOf(place, {}));

    const first = await publisher.bring('1.0.0');
    await repository.publish(await publisher.next([first]));
    assert.deepEqual(await versions(repository.files()), ['1.0.0']);
    assert.deepEqual(await versions(inPlace), ['1.0.0']);

    // Not by a key that may not, not what is not there, not another under the same name.
    const second = await publisher.bring('1.1.0');
    await assert.rejects(repository.publish(await publisher.next([second], [newKey()])), {
      code: 'COAX_REPOSITORY_REFUSED',
    });
    const absent = { ...second, version: '1.2.0' };
    await assert.rejects(repository.publish(await publisher.next([absent])), {
      code: 'COAX_PACKAGE_REFUSED',
    });
    const other = await publisher.bring('1.0.0', { index: 'something else' });
    await assert.rejects(repository.publish(await publisher.next([other])), {
      code: 'COAX_REPOSITORY_STATE',
    });
    assert.deepEqual(await versions(repository.files()), ['1.0.0']);

    // Two servers at once: one is first, and the other hears of it.
    const next = await publisher.next([second]);
    const both = await Promise.allSettled([repository.publish(next), again().publish(next)]);
    assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    assert.deepEqual(await versions(inPlace), ['1.0.0', '1.1.0']);

    const stamp = (await repository.state())!.timestamp.version;
    assert.equal(await repository.renew(), false);
    assert.equal(await repository.renew(true), true);
    assert.equal((await repository.state())!.timestamp.version, stamp + 1);

    const [root, targets] = [newKey(), newKey()];
    await assert.rejects(repository.rotate({ root: await publisher.nextRoot([root], [root]) }), {
      code: 'COAX_REPOSITORY_REFUSED',
    });
    // Another key for packages needs them signed by it.
    const rotated = await publisher.nextRoot([root], [publisher.root, root], targets);
    await assert.rejects(repository.rotate({ root: rotated }), { code: 'COAX_REPOSITORY_REFUSED' });
    await repository.rotate({ root: rotated, targets: await publisher.next([], [targets]) });
    assert.deepEqual(await versions(repository.files()), ['1.0.0', '1.1.0']);
    await assert.rejects(repository.publish(await publisher.next([])), { code: 'COAX_REPOSITORY_REFUSED' });

    // The server's own key, three times; who saw each root follows, and who saw none of them, too.
    const [near, far] = [folder(), folder()];
    for (const dir of [near, far]) assert.equal((await trust(repository.files(), dir).packages()).length, 2);
    const seen = new Set([(await repository.onlineKey()).public]);
    for (const server of [repository, again(), repository]) {
      const coming = await server.nextOnlineKey();
      assert.deepEqual(await again().nextOnlineKey(), coming);
      // Not before a root names it, and only when those of the root have signed that.
      await server.renew(true);
      const forged = await publisher.nextRoot([root], [newKey()], targets, coming);
      await assert.rejects(server.rotate({ root: forged }), { code: 'COAX_REPOSITORY_REFUSED' });
      assert.notDeepEqual(await server.onlineKey(), coming);
      await server.rotate({ root: await publisher.nextRoot([root], [root], targets, coming) });
      assert.deepEqual(await again().onlineKey(), coming);
      seen.add(coming.public);
      assert.equal((await trust(inPlace, near).packages()).length, 2);
      assert.match(readFileSync(join(near, 'root.json'), 'utf8'), new RegExp(coming.public));
      await again().renew(true);
    }
    assert.equal(seen.size, 4);
    assert.equal((await trust(repository.files(), far).packages()).length, 2);
    const strange = await publisher.nextRoot([root], [root], targets, newKey());
    await assert.rejects(repository.rotate({ root: strange }), { code: 'COAX_REPOSITORY_STATE' });

    // The server's key is sealed anew when the installation's keys change.
    const [old] = await secrets.keys.list();
    await repository.nextOnlineKey();
    const before = keyOf(secrets.box.seal('by the same key'));
    assert.equal(await repository.sealedWith(before), 2);
    secrets.keys.add(repository);
    await secrets.keys.rotate();
    assert.notEqual(keyOf(secrets.box.seal('by the next one')), before);
    assert.equal(await repository.sealedWith(before), 0);
    await secrets.keys.drop(old!.id);
    assert.equal(await again().renew(true), true);
    const report = await verifyRepository(trust(inPlace));
    assert.deepEqual([report.packages, report.contents, report.faults], [2, 2, []]);
  });

  collectedBySchedule(() => store);
  collectedByOne(() => store);

  it('deletes what nothing has named for a while, and nothing that somebody is about to name', async () => {
    const { repository, again, place, publisher } = await open(store);
    await publisher.init();
    const one = await publisher.bring('1.0.0', { a: 'one', b: 'shared' });
    const two = await publisher.bring('2.0.0', { b: 'shared', c: 'two' });
    await repository.publish(await publisher.next([one, two]));
    const coming = { b: 'shared', d: 'three' };
    const three = await publisher.bring('3.0.0', coming);
    writeFileSync(join(place, 'contents', 'notes.txt'), 'of somebody else');
    const trusted = trust(repository.files());
    await unpublishPackages(
      { current: () => trusted.current(), publish: targets => repository.publish(targets) },
      [{ name: 'web', version: '1.0.0' }],
      { keys: [publisher.targets], now: Date.now() },
    );
    assert.deepEqual(await versions(repository.files()), ['2.0.0']);

    const long = { graceMs: 3_600_000, dryRun: false };
    const noted = await repository.collect(long);
    assert.deepEqual([noted.needed, noted.waiting, noted.removed], [3, 4, []]);
    assert.equal(noted.next !== null && noted.next > Date.now(), true);
    await aged(store);
    assert.equal((await again().collect({ ...long, dryRun: true })).removed.length, 4);
    const sha = (text: string) => hash('sha256', text);
    // A publisher asks what to bring: that is left to him, and its time begins anew.
    assert.deepEqual(await repository.missing([sha('three')]), []);
    const { removed, waiting } = await again().collect(long);
    const manifests = [one, three].map(
      each => `targets/${targetObject({ ...each, sha256: digestOf(manifestBytes(each)) })}`,
    );
    assert.deepEqual([...removed].sort(), [`contents/${sha('one')}.zst`, ...manifests].sort());
    assert.equal(waiting, 1);
    await assert.rejects(repository.publish(await publisher.next([three])), { code: 'COAX_PACKAGE_REFUSED' });
    await publisher.bring('3.0.0', coming);
    await repository.publish(await publisher.next([three]));
    assert.deepEqual((await repository.collect(long)).waiting, 0);

    // One that is being deleted is brought anew, and not published before it is gone.
    const four = await publisher.bring('4.0.0', { e: 'four' });
    await repository.collect(long);
    await aged(store, { doomed: 1 });
    assert.deepEqual(await repository.missing([sha('four'), sha('two')]), [sha('four')]);
    await assert.rejects(repository.publish(await publisher.next([four])), { code: 'COAX_REPOSITORY_STATE' });
    assert.equal((await repository.collect(long)).removed.length, 2);
    await publisher.bring('4.0.0', { e: 'four' });
    await repository.publish(await publisher.next([four]));
    const report = await verifyRepository(trust(repository.files()));
    assert.deepEqual([report.packages, report.faults], [3, []]);
    // What is no file of a repository is nobody's business, and without a manifest nothing is deleted.
    assert.equal(existsSync(join(place, 'contents', 'notes.txt')), true);
    rmSync(join(place, 'targets', targetObject({ ...two, sha256: digestOf(manifestBytes(two)) })));
    await assert.rejects(repository.collect(long), { code: 'COAX_REPOSITORY_STATE' });
  });
}

/** Now and then, at two servers of one repository: what is found, and that each file goes once. */
function collectedBySchedule(openStore: () => Store): void {
  it('deletes by itself what nothing has named for a week, and says what it did', async () => {
    const store = openStore();
    const { repository, again, publisher } = await open(store);
    const reports: CollectReport[] = [];
    const faults: unknown[] = [];
    const begin = (each: typeof repository) =>
      new Collection(each, {
        everyMs: 5,
        onReport: report => void reports.push(report),
        onFault: fault => void faults.push(fault),
      });
    const looked = async (isSo: (report: CollectReport) => boolean): Promise<CollectReport> => {
      for (;;) {
        const found = reports.find(isSo);
        if (found !== undefined) return found;
        await new Promise(resolve => setTimeout(resolve, 5));
      }
    };
    const collections = [begin(repository), begin(again())];
    try {
      // There is nothing to look at before the first root.
      await publisher.init();
      const one = await publisher.bring('1.0.0', { a: 'one' });
      await publisher.bring('2.0.0', { b: 'never published' });
      await repository.publish(await publisher.next([one]));
      const { removed, next } = await looked(({ needed, waiting }) => needed === 2 && waiting === 2);
      assert.deepEqual(removed, []);
      const week = 7 * 24 * 3_600_000;
      assert.ok(next !== null && next > store.now() + week / 2 && next <= store.now() + week);
      await aged(store);
      await looked(({ needed, waiting, removed }) => needed === 2 && waiting === 0 && removed.length === 0);
    } finally {
      await Promise.all(collections.map(each => each.close()));
    }
    const gone = new Set(reports.flatMap(({ removed }) => removed));
    assert.equal(gone.size, 2, [...gone].join());
    assert.ok(gone.has(`contents/${hash('sha256', 'never published')}.zst`));
    assert.deepEqual(faults, []);
    assert.deepEqual((await verifyRepository(trust(repository.files()))).faults, []);
    const after = reports.length;
    await new Promise(resolve => setTimeout(resolve, 50));
    assert.equal(reports.length, after, 'it is closed');
  });
}

/** One deletes at a time; who was not heard of for long has lost its turn. */
function collectedByOne(openStore: () => Store): void {
  it('lets one server delete at a time', async () => {
    const store = openStore();
    const { repository, publisher } = await open(store);
    await publisher.init();
    await publisher.bring('1.0.0', { a: 'one' });
    const long = { graceMs: 3_600_000, dryRun: false };
    assert.equal((await repository.collect(long)).waiting, 2);
    const book = new GarbageBook(store);
    const turn = await book.takeTurn();
    assert.ok(turn !== null);
    assert.equal(await book.takeTurn(), null);
    assert.equal(await repository.collectUnlessTaken(long), null);
    await assert.rejects(repository.collect(long), {
      code: 'COAX_REPOSITORY_STATE',
      reason: /another server/,
    });
    assert.equal((await repository.collect({ ...long, dryRun: true })).waiting, 2);
    await aged(store);
    assert.equal((await repository.collect(long)).removed.length, 2);
    const name = `${hash('sha256', 'one')}.zst`;
    assert.equal(await book.doom({ kind: 'contents', name }, 2, turn), false, 'its turn is over');
    await book.endTurn(turn);
    assert.equal((await repository.collect(long)).waiting, 0);
  });
}

/** What is noted has been noted for long. */
const aged = (store: Store, more: { doomed?: number } = {}): Promise<unknown> =>
  store.transact(({ db }) =>
    repositoryTables(db)
      .updateTable('package_garbage')
      .set({ since: 1, ...more })
      .execute(),
  );

describe('a repository', () => {
  let cluster: PostgresCluster;
  before(async () => {
    cluster = await makePostgresCluster();
  });
  after(() => cluster.close());
  describe('on SQLite', () =>
    suite(async () => openSqlite({ file: join(folder(), 'coax.db'), schema: installationSchema })));
  describe('on PostgreSQL', () =>
    suite(namespace => openPostgres({ url: cluster.url(), namespace, schema: installationSchema })));

  it('takes no bytes under a hash that is not theirs, and finds a byte that was changed', async () => {
    const store = openSqlite({ file: join(folder(), 'coax.db'), schema: installationSchema });
    try {
      const { repository, place, publisher } = await open(store);
      await publisher.init();
      const sha256 = hash('sha256', 'one');
      const wrong = Readable.from([Buffer.from('two')]);
      await assert.rejects(repository.contents.take(sha256, wrong), { code: 'COAX_PACKAGE_REFUSED' });
      assert.deepEqual(await repository.contents.missing([sha256]), [sha256]);
      await repository.publish(
        await publisher.next([await publisher.bring('1.0.0', { a: 'one', b: 'two' })]),
      );
      const file = join(place, 'contents', `${sha256}.zst`);
      const bytes = readFileSync(file);
      bytes[bytes.length - 2]! ^= 1;
      writeFileSync(file, bytes);
      const { faults } = await verifyRepository(trust(repository.files()));
      assert.deepEqual(
        faults.map(({ where }) => where),
        ['web@1.0.0 a'],
      );
      assert.deepEqual(readdirSync(place).sort(), ['contents', 'metadata', 'targets']);
    } finally {
      await store.close();
    }
  });

  it('sends and fetches only what is missing, over HTTP', async () => {
    await using served = await openServed();
    const publisher = new Publisher(served.services.packages);
    await publisher.init();
    const { packages } = served.client;
    const texts = { a: 'one', b: 'two', c: 'three' };
    const first = await publisher.bring('1.0.0', texts);
    const second = { ...texts, c: 'four' };
    assert.deepEqual(await packages.missing(Object.values(second).map(text => hash('sha256', text))), [
      hash('sha256', 'four'),
    ]);
    await packages.publish(await publisher.next([first, await publisher.bring('1.1.0', second)]));
    const page = await packages.list({ limit: 1 });
    const rest = await packages.list({ limit: 1, cursor: page.next! });
    assert.deepEqual([...page.items, ...rest.items].map(({ version }) => version).sort(), ['1.0.0', '1.1.0']);
    assert.equal(rest.next, undefined);
    const dir = folder();
    const { files, asked } = counted({ name: 'server', open: (kind, name) => packages.open(kind, name) });
    const trusted = trust(files, dir);
    const manifest = parseManifest(await trusted.manifest('web', '1.1.0'), 'web');
    // A host that has 1.0.0 has all contents but one.
    const has = new Set(hashesOf(first));
    const wanted = manifest.entries.flatMap(entry =>
      entry.type === 'file' && !has.has(entry.sha256) ? [entry] : [],
    );
    const got: string[] = [];
    for await (const { bytes } of trusted.contents(manifest, wanted))
      got.push(Buffer.concat(await Array.fromAsync(bytes)).toString());
    assert.deepEqual(got, ['four']);
    assert.deepEqual(asked.contents, [`${hash('sha256', 'four')}.zst`]);
    assert.equal(asked.targets.length, 1);
    // What names no file of a repository is none.
    for (const [kind, name] of [
      ['contents', 'x.zst'],
      ['targets', '..'],
      ['metadata', '1.evil.json'],
    ] as const)
      assert.equal(await packages.open(kind, name).catch(() => null), null, name);
    const stranger = makeClient({ url: served.url, token: 'coax_nobody' });
    await assert.rejects(stranger.packages.open('metadata', 'timestamp.json'), { code: 'COAX_AUTH_MISSING' });
    stranger.close();
  });

  it('lies in an S3 store that checks signatures; hosts take contents from there by themselves', async () => {
    await using swift = await SwiftServer.open('coax');
    const store = openSqlite({ file: join(folder(), 'coax.db'), schema: installationSchema });
    try {
      const place = 's3://coax/some/packages';
      const wrong = await open(store, place, swift.env('not the secret'));
      await assert.rejects(
        wrong.repository.contents.take(hash('sha256', 'one'), Readable.from([Buffer.from('one')])),
        error => {
          assert.match(String(error), /COAX_REPOSITORY_UNAVAILABLE.*SignatureDoesNotMatch/);
          return true;
        },
      );
      const objects = objectsOf(place, swift.env());
      const big = 'a text that is long enough to be sent in pieces '.repeat(50_000);
      await using served = await openServed({ packages: { place, env: swift.env() } });
      const publisher = new Publisher(served.services.packages);
      await publisher.init();
      const { packages } = served.client;
      await packages.publish(await publisher.next([await publisher.bring('1.0.0', { a: 'one', b: big })]));
      // Through the server, which gives the address in the store, and straight from the store.
      const answer = await fetch(
        `${served.url}/v1/package-repository/files/contents/${hash('sha256', 'one')}.zst`,
        {
          headers: { authorization: 'Bearer coax_test-token' },
          redirect: 'manual',
        },
      );
      assert.equal(answer.status, 307);
      assert.match(answer.headers.get('location') ?? '', /X-Amz-Signature=/);
      for (const files of [
        { name: 'server', open: (kind: FileKind, name: string) => packages.open(kind, name) },
        filesIn(objects),
      ]) {
        const report = await verifyRepository(trust(files));
        assert.deepEqual(
          [report.packages, report.contents, report.bytes, report.faults],
          [1, 2, big.length + 3, []],
        );
      }
      await objects.contents.put('gone.zst', Buffer.from('x'));
      for (const there of [true, false]) {
        assert.equal(await objects.contents.has('gone.zst'), there);
        await objects.contents.remove('gone.zst');
      }
      assert.deepEqual(await objects.metadata.list(), [
        '1.root.json',
        '1.snapshot.json',
        '1.targets.json',
        '2.snapshot.json',
        '2.targets.json',
        'timestamp.json',
      ]);
      // An address that has been changed opens nothing.
      const link = (await objects.contents.link(`${hash('sha256', 'one')}.zst`, 60)) as string;
      assert.equal((await fetch(link)).status, 200);
      assert.equal((await fetch(link.replace(hash('sha256', 'one'), hash('sha256', big)))).status, 403);
    } finally {
      await store.close();
    }
  });
});
