/** Packages on a host: brought, switched, checked, put back, mended, taken away. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { closeSpawners } from '../../src/linux/process/run-process.ts';
import type { ContentSource } from '../../src/package/content-source.ts';
import { buildPackage } from '../../src/package/format/build.ts';
import type { PackageHost } from '../../src/package/install/package-host.ts';
import { ArchiveSource } from '../../src/package/source/archive-source.ts';
import { asker, install, openHost, sourceOf } from './host-fixture.ts';
import { scratch, sha256, writePackage } from './package-fixture.ts';

after(closeSpawners);

const page = (host: PackageHost, name = 'web'): string =>
  readFileSync(join(host.layout.current, name, 'page'), 'utf8');
const versionsOf = async (host: PackageHost) =>
  Object.fromEntries((await host.list()).map(({ name, version }) => [name, version]));

async function assertFails(work: Promise<unknown>, code: string, reason: RegExp): Promise<void> {
  await assert.rejects(
    work,
    error => {
      assert.ok(isCoaxError(error), String(error));
      assert.equal(error.code, code);
      assert.match(error.reason, reason);
      return true;
    },
    String(reason),
  );
}

test('a package is fetched, switched to, and only what is missing is fetched for the next version', async () => {
  const host = openHost(scratch());
  const source = await sourceOf(scratch(), [
    ['web', '1.0.0', { page: 'one', shared: 'x'.repeat(5000), 'bin/run': '!#!/bin/sh\n', also: '->page' }],
    ['web', '1.1.0', { page: 'two', shared: 'x'.repeat(5000), 'bin/run': '!#!/bin/sh\n', also: '->page' }],
  ]);
  const first = await install(host, source, 'web@1.0.0');
  assert.equal(first.fetched.contents, 3);
  assert.equal(page(host), 'one');
  assert.equal(readFileSync(join(host.layout.current, 'web/also'), 'utf8'), 'one');
  assert.equal(statSync(join(host.layout.current, 'web/bin/run')).mode & 0o777, 0o555);
  assert.equal(statSync(join(host.layout.current, 'web/page')).mode & 0o777, 0o444);
  const second = await install(host, source, 'web');
  assert.deepEqual(second.packages, [{ name: 'web', version: '1.1.0' }]);
  assert.deepEqual(second.fetched, { contents: 1, bytes: 3, hadContents: 2, hadBytes: 5010 });
  assert.equal(page(host), 'two');
  assert.deepEqual(await host.verify(null), []);
  assert.equal((await host.rollback('web', asker())).packages.web?.version, '1.0.0');
  assert.equal(page(host), 'one');
  await host.rollback('web', asker());
  assert.equal(page(host), 'two');
  assert.deepEqual(readdirSync(join(host.layout.root, 'staging')), []);
  assert.equal(readdirSync(join(host.layout.root, 'generations')).length, 1);
});

test('hooks run around the switch, and health is asked until it is well', async () => {
  const dir = scratch();
  const log = join(dir, 'log');
  const say = (text: string) =>
    `{command: [/bin/sh, -c, 'echo "${text} $PACKAGE_PREVIOUS>$PACKAGE_VERSION $(cat page)" >> ${log}']}`;
  const more = `
hooks: {before_switch: ${say('before')}, after_switch: ${say('after')}, before_remove: ${say('remove')}}
health: {command: [/bin/sh, -c, 'echo health >> ${log}; test $(grep -c health ${log}) -ge 3'], every: 1ms}`;
  const source = await sourceOf(dir, [
    ['web', '1.0.0', { page: 'one' }, more],
    ['web', '2.0.0', { page: 'two' }, more],
  ]);
  const host = openHost(scratch());
  await install(host, source, 'web@1.0.0');
  await install(host, source, 'web@2.0.0');
  await host.remove('web', asker());
  assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), [
    'before >1.0.0 one',
    'after >1.0.0 one',
    'health',
    'health',
    'health',
    'before 1.0.0>2.0.0 two',
    'after 1.0.0>2.0.0 two',
    'health',
    'remove >2.0.0 two',
  ]);
});

test('hooks and health checks have the limits that the package gives them', async () => {
  const limited = (files: number, more: string) =>
    `{command: [/bin/sh, -c, 'test $(ulimit -n) = ${files}'], limits: {openFiles: ${files}, processes: 50}${more}}`;
  const source = await sourceOf(scratch(), [
    [
      'web',
      '1.0.0',
      {},
      `hooks: {after_switch: ${limited(21, '')}}\nhealth: ${limited(22, ', attempts: 1')}`,
    ],
    [
      'web',
      '2.0.0',
      {},
      `health: {command: [/usr/bin/python3, -c, 'bytearray(b"x") * (512 << 20)'], attempts: 1, limits: {memoryMib: 100}}`,
    ],
  ]);
  const host = openHost(scratch());
  await install(host, source, 'web@1.0.0');
  await assertFails(
    install(host, source, 'web@2.0.0'),
    'COAX_PACKAGE_UNHEALTHY',
    /needed more than its 104857600 bytes of memory/,
  );
});

test('a version that is not healthy, or whose hook fails, is switched back; its hook runs for the old one', async () => {
  const dir = scratch();
  const log = join(dir, 'log');
  const hook = `hooks: {after_switch: {command: [/bin/sh, -c, 'echo $PACKAGE_VERSION >> ${log}']}}`;
  const source = await sourceOf(dir, [
    ['web', '1.0.0', { page: 'one' }, hook],
    [
      'web',
      '2.0.0',
      { page: 'two' },
      `${hook}\nhealth: {command: [/bin/sh, -c, 'echo no page >&2; exit 3'], attempts: 2, every: 1ms}`,
    ],
    ['web', '3.0.0', { page: 'three' }, 'hooks: {before_switch: {command: [/bin/false]}}'],
    ['web', '4.0.0', { page: 'four' }, 'hooks: {after_switch: {command: [/bin/sleep, 60], timeout: 50ms}}'],
  ]);
  const host = openHost(scratch());
  await install(host, source, 'web@1.0.0');
  const before = readdirSync(join(host.layout.root, 'generations'));
  await assertFails(
    install(host, source, 'web@2.0.0'),
    'COAX_PACKAGE_UNHEALTHY',
    /web 2.0.0 is not healthy, asked 2 times: .*no page; switched back/s,
  );
  assert.deepEqual(readFileSync(log, 'utf8').trim().split('\n'), ['1.0.0', '2.0.0', '1.0.0']);
  await assertFails(
    install(host, source, 'web@3.0.0'),
    'COAX_PACKAGE_UNHEALTHY',
    /before_switch.*nothing was switched/s,
  );
  await assertFails(
    install(host, source, 'web@4.0.0'),
    'COAX_PACKAGE_UNHEALTHY',
    /after_switch.*switched back/s,
  );
  assert.equal(page(host), 'one');
  assert.deepEqual(readdirSync(join(host.layout.root, 'generations')), before);
  assert.equal(existsSync(host.layout.pending), false);
  // The first install of all has nothing to go back to but nothing.
  const fresh = openHost(scratch());
  await assertFails(install(fresh, source, 'web@2.0.0'), 'COAX_PACKAGE_UNHEALTHY', /switched back/);
  assert.equal(existsSync(fresh.layout.current), false);
});

test('dependencies come along, switch at the same instant, and go back together', async () => {
  const host = openHost(scratch());
  const source = await sourceOf(scratch(), [
    ['runtime', '1.0.0', { page: 'r1' }],
    ['runtime', '2.0.0', { page: 'r2' }],
    ['runtime', '2.3.0', { page: 'r23' }],
    ['runtime', '3.0.0', { page: 'r3' }],
    ['web', '1.0.0', { page: 'one' }, 'dependencies: {runtime: ^1.0.0}'],
    ['web', '2.0.0', { page: 'two' }, 'dependencies: {runtime: ^2.0.0}'],
    ['other', '1.0.0', { page: 'other' }, 'dependencies: {runtime: ^2.0.0}'],
    ['lost', '1.0.0', { page: 'lost' }, 'dependencies: {nowhere: ^1.0.0}'],
  ]);
  await install(host, source, 'web@1.0.0');
  assert.deepEqual(await versionsOf(host), { runtime: '1.0.0', web: '1.0.0' });
  const { generation } = await install(host, source, 'web@^2');
  assert.deepEqual(await versionsOf(host), { runtime: '2.3.0', web: '2.0.0' });
  assert.equal(generation.packages.runtime?.since, generation.packages.web?.since);
  await host.rollback('web', asker());
  assert.deepEqual(await versionsOf(host), { runtime: '1.0.0', web: '1.0.0' });
  await host.rollback('web', asker());
  await assertFails(
    host.remove('runtime', asker()),
    'COAX_PACKAGE_DEPENDENCY',
    /web 2.0.0 needs runtime \^2.0.0, and runtime would not be there/,
  );
  await assertFails(
    install(host, source, 'runtime@3.0.0'),
    'COAX_PACKAGE_DEPENDENCY',
    /runtime would be 3.0.0/,
  );
  await assertFails(
    install(host, source, 'lost'),
    'COAX_PACKAGE_DEPENDENCY',
    /no nowhere \^1.0.0, which lost 1.0.0 needs/,
  );
  await assertFails(install(host, source, 'nothing'), 'COAX_PACKAGE_NOT_FOUND', /does not know it/);
  await assertFails(install(host, source, 'web@^9'), 'COAX_PACKAGE_NOT_FOUND', /has 2.0.0, 1.0.0/);
  await install(host, source, 'other');
  await assertFails(
    install(host, source, 'web@1.0.0'),
    'COAX_PACKAGE_DEPENDENCY',
    /no runtime \^1.0.0 and \^2.0.0/,
  );
  assert.deepEqual(await versionsOf(host), { other: '1.0.0', runtime: '2.3.0', web: '2.0.0' });
});

test('a package for another processor is not for this host', async () => {
  const other = process.arch === 'x64' ? 'arm64' : 'x64';
  const source = await sourceOf(scratch(), [['web', '1.0.0', {}, `architecture: ${other}`]]);
  await assertFails(install(openHost(scratch()), source, 'web'), 'COAX_PACKAGE_DEPENDENCY', /this host is/);
});

test('everything that was changed by hand is found, and installing again puts it right', async () => {
  const host = openHost(scratch());
  const source = await sourceOf(scratch(), [
    ['web', '1.0.0', { page: 'one', gone: 'g', 'd/e/f': 'deep', run: '!x', link: '->page', kept: 'same' }],
  ]);
  await install(host, source, 'web');
  const files = host.layout.files('web', '1.0.0');
  chmodSync(join(files, 'page'), 0o644);
  appendFileSync(join(files, 'page'), ' changed');
  unlinkSync(join(files, 'gone'));
  chmodSync(join(files, 'run'), 0o4755);
  unlinkSync(join(files, 'link'));
  symlinkSync('/etc/passwd', join(files, 'link'));
  writeFileSync(join(files, 'new'), 'mine');
  // A link in the place of a folder, to one that looks the same.
  renameSync(join(files, 'd'), join(scratch(), 'd'));
  mkdirSync(join(host.layout.root, 'elsewhere/e'), { recursive: true });
  writeFileSync(join(host.layout.root, 'elsewhere/e/f'), 'deep', { mode: 0o444 });
  symlinkSync(join(host.layout.root, 'elsewhere'), join(files, 'd'));
  // The same length, and the time of before: only its bytes tell.
  const kept = join(files, 'kept');
  chmodSync(kept, 0o644);
  writeFileSync(kept, 'SAME');
  chmodSync(kept, 0o444);
  writeFileSync(join(files, '../more'), 'beside');
  const faults = await host.verify(null);
  assert.deepEqual(faults.map(({ path, fault }) => `${path}: ${fault}`).sort(), [
    '../more: extra',
    'd: changed',
    'gone: missing',
    'kept: changed',
    'link: changed',
    'new: extra',
    'page: changed',
    'run: mode',
  ]);
  const { fetched } = await install(host, source, 'web');
  // What was changed had the same file as the store: it is fetched anew; so is what lost its bits.
  assert.equal(fetched.contents, 3);
  assert.deepEqual(await host.verify(null), []);
  assert.equal(page(host), 'one');
  assert.equal(readFileSync(join(files, 'd/e/f'), 'utf8'), 'deep');
  assert.equal(readFileSync(join(host.layout.root, 'elsewhere/e/f'), 'utf8'), 'deep');
});

test('a changed manifest and a changed link of a package are found; installing again puts the manifest right', async () => {
  const host = openHost(scratch());
  const source = await sourceOf(scratch(), [['web', '1.0.0', { page: 'one' }]]);
  await install(host, source, 'web');
  const file = host.layout.manifest('web', '1.0.0');
  chmodSync(file, 0o644);
  const text = readFileSync(file, 'utf8');
  for (const [changed, reason] of [
    [text.replace(sha256('one'), sha256('two')), /not the one that was installed/],
    ['{', /not JSON/],
    [text.replace('"web"', '"wub"'), /another package/],
  ] as const) {
    writeFileSync(file, changed);
    const [fault, ...more] = await host.verify('web');
    assert.match(fault!.reason, reason);
    assert.deepEqual(more, []);
  }
  await install(host, source, 'web');
  assert.deepEqual(await host.verify('web'), []);
  const link = join(host.layout.current, 'web');
  unlinkSync(link);
  symlinkSync('/tmp', link);
  assert.match((await host.verify(null))[0]!.reason, /current\/web leads to "\/tmp"/);
});

test('gc keeps the current and the previous version, and what they share', async () => {
  const host = openHost(scratch());
  const source = await sourceOf(
    scratch(),
    ['1.0.0', '2.0.0', '3.0.0'].map(version => ['web', version, { page: version, same: 'same' }] as const),
  );
  for (const version of ['1.0.0', '2.0.0', '3.0.0']) await install(host, source, `web@${version}`);
  const gone = await host.collect(asker());
  assert.deepEqual(gone, { versions: [{ name: 'web', version: '1.0.0' }], contents: 1, bytes: 5 });
  assert.deepEqual(await host.collect(asker()), { versions: [], contents: 0, bytes: 0 });
  assert.deepEqual(await host.verify(null), []);
  await host.rollback('web', asker());
  assert.equal(page(host), '2.0.0');
  await host.remove('web', asker());
  assert.deepEqual(await versionsOf(host), { web: null });
  await host.rollback('web', asker());
  assert.equal(page(host), '2.0.0');
  await host.remove('web', asker());
  assert.equal((await host.collect(asker())).versions.length, 2);
  assert.deepEqual(readdirSync(host.layout.content), []);
  assert.deepEqual(await host.list(), []);
  await assertFails(host.rollback('web', asker()), 'COAX_PACKAGE_NOT_FOUND', /not installed/);
});

test('an undo puts back what its step has switched, once, and leaves what changed since', async () => {
  const host = openHost(scratch());
  const source = await sourceOf(
    scratch(),
    ['1.0.0', '2.0.0', '3.0.0'].map(version => ['web', version, { page: version }] as const),
  );
  await install(host, source, 'web@1.0.0', '1.0');
  await install(host, source, 'web@2.0.0', '2.0');
  // What one undo puts back, another may undo.
  await install(host, source, 'web@3.0.0', '2.1');
  await host.undo('2.1', asker());
  assert.equal(page(host), '2.0.0');
  await host.undo('2.0', asker());
  assert.equal(page(host), '1.0.0');
  await host.undo('2.0', asker());
  assert.equal(page(host), '1.0.0');
  await install(host, source, 'web@2.0.0', '3.0');
  await install(host, source, 'web@3.0.0', '4.0');
  await host.undo('3.0', asker());
  assert.equal(page(host), '3.0.0');
  const fresh = openHost(scratch());
  await install(fresh, source, 'web@1.0.0', '5.0');
  await fresh.undo('5.0', asker());
  assert.deepEqual(await versionsOf(fresh), {});
  assert.equal(existsSync(join(fresh.layout.current, 'web')), false);
});

test('a source that lies, or a content that is not what the manifest says, changes nothing', async () => {
  const host = openHost(scratch());
  const source = await sourceOf(scratch(), [
    ['web', '1.0.0', { page: 'one' }],
    ['web', '2.0.0', { page: 'two', other: 'other' }],
  ]);
  await install(host, source, 'web@1.0.0');
  const lying = (change: Partial<ContentSource>): ContentSource => ({
    name: 'a mirror',
    versions: name => source.versions(name),
    manifest: (name, version) => source.manifest(name, version),
    contents: (manifest, wanted) => source.contents(manifest, wanted),
    ...change,
  });
  const giving = (texts: readonly [of: string, text: string][]): Partial<ContentSource> => ({
    async *contents() {
      for (const [of, text] of texts) {
        const bytes = (async function* () {
          yield Buffer.from(text);
        })();
        yield { sha256: sha256(of), size: of.length, bytes };
      }
    },
  });
  const want = (from: ContentSource) => host.fetch({ name: 'web', range: '2.0.0' }, from, asker());
  const code = 'COAX_PACKAGE_REFUSED';
  await assertFails(want(lying(giving([['two', 'twp']]))), code, /has the SHA-256/);
  await assertFails(want(lying(giving([['two', 'two!']]))), code, /more than the 3 bytes/);
  await assertFails(want(lying(giving([['two', 'tw']]))), code, /2 bytes, and 3/);
  await assertFails(want(lying(giving([['two', 'two']]))), code, /did not give/);
  await assertFails(want(lying(giving([['x', 'x']]))), code, /nobody wanted/);
  const other = lying({ manifest: () => source.manifest('web', '1.0.0') });
  await assertFails(want(other), code, /gave web 1.0.0 for web 2.0.0/);
  assert.equal(page(host), 'one');
  assert.deepEqual(await host.verify(null), []);
  await install(host, source, 'web@2.0.0');
  // The same version with other files is another package under its name.
  rmSync(join(source.name, 'web-2.0.0.tar.zst'));
  const again = await sourceOf(source.name, [['web', '2.0.0', { page: 'TWO' }]]);
  await assertFails(install(host, again, 'web@2.0.0'), code, /here already, with other content/);
});

test('one archive is a source, trusted by its key; others may come from elsewhere', async () => {
  const key = generateKeyPairSync('ed25519');
  const others = await sourceOf(scratch(), [['runtime', '1.0.0', { page: 'r' }]]);
  const yaml = 'name: web\nversion: 1.0.0\ndependencies: {runtime: ^1}\n';
  const { file } = await buildPackage(
    writePackage(scratch(), yaml, { page: 'one' }),
    scratch(),
    key.privateKey,
  );
  const host = openHost(scratch());
  const wanted = { name: 'web', range: '1.0.0' };
  await assertFails(
    ArchiveSource.open(file, [generateKeyPairSync('ed25519').publicKey]),
    'COAX_PACKAGE_UNTRUSTED',
    /not trusted/,
  );
  const alone = await ArchiveSource.open(file, [key.publicKey]);
  await assertFails(host.fetch(wanted, alone, asker()), 'COAX_PACKAGE_DEPENDENCY', /no runtime/);
  const both = await ArchiveSource.open(file, [key.publicKey], others);
  const { packages } = await host.fetch(wanted, both, asker());
  await host.switchTo(packages, asker());
  assert.deepEqual(await versionsOf(host), { runtime: '1.0.0', web: '1.0.0' });
});

const isRoot = process.getuid?.() === 0;
test('a full disk ends an install; what stood stands, and there is as much room as before', {
  skip: isRoot ? false : 'a small disk is mounted by root',
}, async () => {
  const root = join(scratch(), 'disk');
  mkdirSync(root);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', root]);
  try {
    const host = openHost(root);
    const source = await sourceOf(scratch(), [
      ['web', '1.0.0', { page: 'one' }],
      ['web', '2.0.0', { page: 'two', large: randomBytes(3 * 1024 * 1024).toString('base64') }],
    ]);
    await install(host, source, 'web@1.0.0');
    const { bavail } = statfsSync(root);
    await assert.rejects(install(host, source, 'web@2.0.0'), { code: 'ENOSPC' });
    assert.equal(page(host), 'one');
    assert.deepEqual(await host.verify(null), []);
    assert.deepEqual(readdirSync(join(root, 'staging')), []);
    assert.ok(statfsSync(root).bavail >= bavail - 8);
  } finally {
    execFileSync('umount', [root]);
  }
});
