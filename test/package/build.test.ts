/** Building packages: the same bytes of the same input, and every fault at its place. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { archiveContents, openArchive } from '../../src/package/format/archive.ts';
import { buildPackage } from '../../src/package/format/build.ts';
import { assertSigned } from '../../src/package/format/signature.ts';
import { verifiedBytes } from '../../src/package/format/verified-bytes.ts';
import { type Files, scratch, sha256, writePackage } from './package-fixture.ts';

const YAML = `
name: web
version: 1.4.2
about: Serves pages
architecture: x64
dependencies: {runtime: ^2.0.0}
health: {command: [bin/check, --port, 80], timeout: 2s, attempts: 5, every: 200ms}
hooks:
  after_switch: {command: [/usr/bin/true], timeout: 1m}
`;
const LONG = `deep/${'folder/'.repeat(20)}file`;
const FILES: Files = {
  'bin/check': '!#!/bin/sh\nexit 0\n',
  'lib/page': '<p>Grüße</p>',
  'lib/same': '<p>Grüße</p>',
  'lib/empty': '',
  [LONG]: 'far down',
  'größe.txt': 'é',
  current: '->lib',
};

async function faultsOf(dir: string): Promise<readonly { where: string; reason: string }[]> {
  const out = scratch();
  try {
    await buildPackage(dir, out, null);
  } catch (error) {
    assert.ok(isCoaxError(error, 'COAX_PACKAGE_INVALID'), String(error));
    assert.deepEqual(readdirSync(out), []);
    return error.faults.length > 0 ? error.faults : [{ where: error.where ?? '', reason: error.reason }];
  }
  return [];
}

test('the same input gives the same bytes, whatever the umask, the times and the order of making', async () => {
  const before = process.umask(0o022);
  const one = writePackage(scratch(), YAML, FILES);
  process.umask(0o077);
  const other = writePackage(scratch(), YAML, Object.fromEntries(Object.entries(FILES).reverse()));
  chmodSync(join(other, 'files/lib/page'), 0o600);
  utimesSync(join(other, 'files/lib/page'), 1, 1);
  const outs = [scratch(), scratch(), scratch()];
  const all = [
    await buildPackage(one, outs[0]!, null),
    await buildPackage(one, outs[1]!, null),
    await buildPackage(other, outs[2]!, null),
  ];
  process.umask(before);
  const bytes = all.map(({ file }) => readFileSync(file));
  assert.ok(bytes[0]!.equals(bytes[1]!) && bytes[0]!.equals(bytes[2]!));
  assert.equal(all[0]!.file, join(outs[0]!, 'web-1.4.2.tar.zst'));
  assert.deepEqual(readdirSync(outs[0]!), ['web-1.4.2.tar.zst']);
  writeFileSync(join(other, 'files/lib/page'), '<p>Other</p>');
  const changed = await buildPackage(other, outs[2]!, null);
  assert.notEqual(changed.digest, all[0]!.digest);
});

test('the archive holds what the folder held, and tar unpacks it', async () => {
  const { file, digest, manifest } = await buildPackage(
    writePackage(scratch(), YAML, FILES),
    scratch(),
    null,
  );
  const head = await openArchive(file);
  assert.deepEqual(head.manifest, manifest);
  assert.equal(sha256(head.manifestBytes), digest);
  assert.deepEqual(head.manifest.health, {
    command: ['bin/check', '--port', '80'],
    timeoutMs: 2000,
    attempts: 5,
    everyMs: 200,
  });
  assert.equal(head.manifest.dependencies.runtime, '^2.0.0');
  const wanted = manifest.entries.filter(entry => entry.type === 'file');
  const got = new Map<string, string>();
  for await (const content of archiveContents(head, wanted)) {
    const pieces: Uint8Array[] = [];
    for await (const piece of verifiedBytes(content.bytes, content, 'x')) pieces.push(piece);
    assert.ok(!got.has(content.sha256), 'a content comes once');
    got.set(content.sha256, Buffer.concat(pieces).toString());
  }
  assert.equal(got.size, new Set(wanted.map(({ sha256 }) => sha256)).size);
  assert.equal(got.get(sha256('far down')), 'far down');
  const into = scratch();
  execFileSync('tar', ['-xf', file, '-C', into, '--zstd']);
  assert.equal(readFileSync(join(into, 'files/current/page'), 'utf8'), '<p>Grüße</p>');
  assert.equal(readFileSync(join(into, 'files', LONG), 'utf8'), 'far down');
});

test('every fault of package.yaml is named with its line', async () => {
  const yaml =
    'name: Web\nversion: "1.0"\nhelth: {}\nhooks: {after_swich: {command: [x]}}\nhealth:\n  command: []\n  limits: {memoryMb: 5}\n';
  const faults = await faultsOf(writePackage(scratch(), yaml, {}));
  const at = (line: number) => faults.find(({ where }) => where.includes(`package.yaml:${line}:`))?.reason;
  assert.match(at(1)!, /name: small letters/);
  assert.match(at(2)!, /version: a version as semver/);
  assert.match(at(3)!, /unknown key "helth".*health/);
  assert.match(at(4)!, /unknown key "hooks.after_swich".*after_switch/);
  assert.match(at(6)!, /health.command/);
  assert.match(at(7)!, /unknown key "health.limits.memoryMb".*memoryMib/);
  assert.match(
    (await faultsOf(writePackage(scratch(), 'version: 1.0.0', {})))[0]!.reason,
    /`name` is missing/,
  );
  assert.match((await faultsOf(writePackage(scratch(), 'name: [', {})))[0]!.reason, /not YAML/);
  assert.match((await faultsOf(scratch()))[0]!.reason, /package.yaml cannot be read/);
  const lost = writePackage(scratch(), 'name: a\nversion: 1.0.0\nhealth: {command: [bin/check]}', {});
  assert.match((await faultsOf(lost))[0]!.where, /package.yaml:3:/);
});

test('what no package may hold is not built into one', async () => {
  const yaml = 'name: a\nversion: 1.0.0\n';
  const make = () => writePackage(scratch(), yaml, { a: 'text' });
  const setuid = make();
  chmodSync(join(setuid, 'files/a'), 0o4755);
  assert.match((await faultsOf(setuid))[0]!.reason, /mode 4755/);
  const pipe = make();
  execFileSync('mkfifo', [join(pipe, 'files/pipe')]);
  assert.match((await faultsOf(pipe))[0]!.reason, /device, pipe or socket/);
  const link = make();
  symlinkSync('/etc/passwd', join(link, 'files/out'));
  assert.deepEqual((await faultsOf(link))[0], {
    where: 'files/out',
    reason: '"out": the link to "/etc/passwd" leads out of the package',
  });
});

test('a signature is believed only of a trusted key, and only over the manifest that was signed', async () => {
  const key = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519');
  const dir = writePackage(scratch(), YAML, FILES);
  const { file } = await buildPackage(dir, scratch(), key.privateKey);
  const { manifestBytes, signature } = await openArchive(file);
  assertSigned(manifestBytes, signature, [other.publicKey, key.publicKey], file);
  const refuse = (bytes: Uint8Array, given: typeof signature, reason: RegExp) =>
    assert.throws(
      () => assertSigned(bytes, given, [key.publicKey], file),
      error => isCoaxError(error, 'COAX_PACKAGE_UNTRUSTED') && reason.test(error.reason),
      String(reason),
    );
  assert.throws(() => assertSigned(manifestBytes, signature, [other.publicKey], file), /not trusted/);
  refuse(Buffer.concat([manifestBytes, Buffer.from(' ')]), signature, /does not fit/);
  refuse(manifestBytes, { ...signature!, signature: Buffer.alloc(64).toString('base64') }, /does not fit/);
  refuse(manifestBytes, null, /not signed/);
  const unsigned = await buildPackage(dir, scratch(), null);
  assert.equal((await openArchive(unsigned.file)).signature, null);
});
