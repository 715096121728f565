/** Archives that mean harm, or are broken: each is refused, with the reason. */
import assert from 'node:assert/strict';
import { createWriteStream, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { createZstdCompress, zstdCompressSync } from 'node:zlib';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { archiveContents, openArchive } from '../../src/package/format/archive.ts';
import { archiveOf, built, fileEntry, type Member, manifestOf, scratch } from './package-fixture.ts';

/** Reads all of an archive as an install does, but keeps nothing. */
async function read(file: string): Promise<void> {
  const head = await openArchive(file);
  const files = head.manifest.entries.filter(entry => entry.type === 'file');
  for await (const { bytes } of archiveContents(head, files)) for await (const _ of bytes);
}

async function assertRefused(file: string | Promise<string>, reason: RegExp): Promise<void> {
  const path = await file;
  await assert.rejects(
    read(path),
    error => {
      assert.ok(isCoaxError(error, 'COAX_PACKAGE_REFUSED'), String(error));
      assert.match(error.reason, reason);
      return true;
    },
    String(reason),
  );
}

const good = fileEntry('a', 'text');
const member = (more: Partial<Member>): Member => ({ name: 'files/a', mode: 0o644, ...more });
const one = (more: Partial<Member>) => archiveOf(manifestOf([good]), [member(more)]);

test('an archive made by hand as the manifest says is read', async () => {
  await read(await one({ text: 'text' }));
});

test('members that are no files, folders or links', async () => {
  await assertRefused(one({ type: 'link', linkname: '/etc/shadow' }), /a hard link/);
  await assertRefused(one({ type: 'character-device', devmajor: 1, devminor: 3 }), /a character device/);
  await assertRefused(one({ type: 'block-device', devmajor: 8, devminor: 0 }), /a block device/);
  await assertRefused(one({ type: 'fifo' }), /a named pipe/);
});

test('members elsewhere than the manifest says', async () => {
  await assertRefused(one({ name: '../a', text: 'text' }), /"\.\.\/a" stands where/);
  await assertRefused(one({ name: '/etc/passwd', text: 'text' }), /"\/?etc\/passwd" stands where/);
  await assertRefused(one({ name: 'files/../a', text: 'text' }), /stands where/);
  await assertRefused(one({ name: 'files/A', text: 'text' }), /stands where/);
  await assertRefused(one({ name: 'other/a', text: 'text' }), /stands where/);
});

test('members that are not what the manifest says', async () => {
  await assertRefused(one({ mode: 0o4644, text: 'text' }), /mode 4644/);
  await assertRefused(one({ mode: 0o2644, text: 'text' }), /mode 2644/);
  await assertRefused(one({ mode: 0o755, text: 'text' }), /mode 755/);
  await assertRefused(one({ text: 'longer text' }), /11 bytes, and 4/);
  await assertRefused(one({ type: 'symlink', linkname: '/etc/passwd' }), /is a symlink, and a file/);
  const link = manifestOf([{ path: 'b', type: 'link', target: 'c' }, fileEntry('c', '')]);
  const elsewhere: Member[] = [
    { name: 'files/b', type: 'symlink', linkname: '/etc/passwd', mode: 0o777 },
    { name: 'files/c', mode: 0o644 },
  ];
  await assertRefused(archiveOf(link, elsewhere), /leads to "\/etc\/passwd", and to "c"/);
});

test('more or fewer members than the manifest has, or one twice', async () => {
  const text = member({ text: 'text' });
  await assertRefused(archiveOf(manifestOf([good]), [text, text]), /"files\/a" is not in the manifest/);
  await assertRefused(
    archiveOf(manifestOf([good]), [text, member({ name: 'files/b' })]),
    /"files\/b" is not in the manifest/,
  );
  await assertRefused(archiveOf(manifestOf([good, fileEntry('b', '')]), [text]), /"b" of the manifest/);
  await assertRefused(archiveOf(manifestOf([]), [{ name: 'manifest.json' }]), /not in the manifest/);
});

test('a link in the place of a folder, and a file beneath it', async () => {
  const manifest = manifestOf([{ path: 'd', type: 'folder' }, fileEntry('d/a', 'text')]);
  await assertRefused(
    archiveOf(manifest, [
      { name: 'files/d', type: 'symlink', linkname: '/etc', mode: 0o777 },
      member({ name: 'files/d/a', text: 'text' }),
    ]),
    /is a symlink, and a folder/,
  );
});

test('no manifest, a wrong one, one that is no file', async () => {
  await assertRefused(archiveOf(null, []), /does not begin with/);
  await assertRefused(archiveOf(null, [member({ text: 'text' })]), /does not begin with/);
  await assertRefused(archiveOf('{', []), /not JSON/);
  await assertRefused(
    archiveOf(null, [{ name: 'manifest.json', type: 'symlink', linkname: '/etc/passwd' }]),
    /manifest.json is no file/,
  );
  await assertRefused(archiveOf(manifestOf([good]), [{ name: 'manifest.sig', text: '{}' }]), /no signature/);
  await assertRefused(
    archiveOf(manifestOf([good]), [{ name: 'manifest.sig', text: 'x'.repeat(5000) }]),
    /5000 bytes; 4096 are allowed/,
  );
});

/** A tar of zeroes behind a head that says so, compressed to almost nothing. */
async function zeroes(head: Buffer, bytes: number): Promise<string> {
  const file = join(scratch(), 'bomb.tar.zst');
  const piece = Buffer.alloc(1024 * 1024);
  const pieces = function* () {
    yield head;
    for (let given = 0; given < bytes; given += piece.length) yield piece;
  };
  await pipeline(Readable.from(pieces()), createZstdCompress(), createWriteStream(file));
  return file;
}

/** A header of tar (ustar), for what tar-stream would not write. */
function header(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')} `, 124);
  block.write('00000000000 ', 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

test('bombs: a manifest that unpacks to too much, and bytes that no member has room for', async () => {
  const gib = 1024 ** 3;
  const large = manifestOf([{ ...good, size: gib }]);
  await assertRefused(archiveOf(large, []), /more than 1000 times/);
  await assertRefused(archiveOf(manifestOf([{ ...good, size: 100 * gib }]), []), /are allowed/);
  await assertRefused(await zeroes(header('manifest.json', 512 * 1024 ** 2, '0'), 0), /33554432 are allowed/);
  // A long name, an extended header: read whole by readers of tar before anybody sees a member.
  for (const type of ['x', 'g', 'L'])
    await assertRefused(
      await zeroes(header('long', 256 * 1024 ** 2, type), 64 * 1024 ** 2),
      /exceeds max size/,
    );
  const manifest = Buffer.alloc(512);
  manifest.write(JSON.stringify(manifestOf([])));
  const endless = Buffer.concat([header('manifest.json', manifest.indexOf(0), '0'), manifest]);
  await assertRefused(await zeroes(endless, 64 * 1024 ** 2), /room for/);
});

test('bytes that are no archive, or one that was cut off', async () => {
  const file = join(scratch(), 'x.tar.zst');
  writeFileSync(file, 'no archive');
  await assertRefused(file, /no archive/);
  writeFileSync(file, '');
  await assertRefused(file, /does not begin|no archive/);
  writeFileSync(file, zstdCompressSync(Buffer.alloc(5000, 'x')));
  await assertRefused(file, /no archive/);
  const whole = await built(scratch(), 'name: a\nversion: 1.0.0\n', { a: 'x'.repeat(100_000), b: 'b' });
  truncateSync(whole.file, readFileSync(whole.file).length - 20);
  await assertRefused(whole.file, /cut off/);
  await assert.rejects(openArchive('/nowhere'), error => isCoaxError(error, 'COAX_PACKAGE_NOT_FOUND'));
});
