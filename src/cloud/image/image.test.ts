import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { isCoaxError } from '../../errors/coax-error.ts';
import { exec, findProgram } from '../../linux/process/exec.ts';
import { cacheFolder } from './cache-folder.ts';
import { CHARACTER_DEVICE, cpioArchive, FILE, FOLDER, PROGRAM, SYMLINK } from './cpio.ts';
import { buildInitramfs } from './initramfs.ts';
import { isStatic, openStockImage } from './stock-image.ts';

describe('cpio archive', () => {
  it('is what cpio(1) reads back', async () => {
    const archive = cpioArchive([
      { path: 'a', mode: FOLDER },
      { path: 'a/f', mode: FILE, data: Buffer.from('hello') },
      { path: 'a/run', mode: PROGRAM, data: Buffer.from('#!/bin/sh\n') },
      { path: 'a/link', mode: SYMLINK, data: Buffer.from('f') },
      { path: 'a/console', mode: CHARACTER_DEVICE, device: [5, 1] },
    ]);
    const listing = await exec('cpio', ['-itvn', '--quiet'], { input: archive.toString('latin1') });
    assert.equal(listing.code, 0, listing.stderr);
    const lines = listing.stdout.trim().split('\n');
    assert.deepEqual(
      lines.map(line => line.slice(0, 10)),
      ['drwxr-xr-x', '-rw-r--r--', '-rwxr-xr-x', 'lrwxrwxrwx', 'crw-------'],
    );
    assert.match(lines[3]!, /a\/link -> f$/);
    assert.match(lines[4]!, / 5, +1 /);
  });

  it('gives the same initramfs twice', () => {
    const modules = new Map([['virtio', Buffer.from('m')]]);
    const once = buildInitramfs(Buffer.from('b'), modules);
    assert.deepEqual(buildInitramfs(Buffer.from('b'), modules), once);
    assert.notDeepEqual(buildInitramfs(Buffer.from('c'), modules), once);
    assert.ok(gunzipSync(once).includes('bin/httpd'));
  });
});

describe('stock image', () => {
  it('is built once, the same by two builders at once, and again after damage', async () => {
    const cacheDir = mkdtempSync(join(tmpdir(), 'coax-image-'));
    try {
      await openStockImage(cacheFolder()); // the kernel is fetched once for all tests
      cpSync(join(cacheFolder(), 'kernel'), join(cacheDir, 'kernel'), { recursive: true });
      const lines: string[] = [];
      const [one, two] = await Promise.all([
        openStockImage(cacheDir, line => lines.push(line)),
        openStockImage(cacheDir),
      ]);
      assert.deepEqual(one, two);
      assert.ok(lines.length > 0, 'progress is told');
      assert.deepEqual(readdirSync(join(cacheDir, 'image')), [one.id]);
      const bytes = readFileSync(one.initrd);
      truncateSync(one.initrd, 0);
      assert.equal((await openStockImage(cacheDir)).id, one.id);
      assert.deepEqual(readFileSync(one.initrd), bytes);
      const again: string[] = [];
      await openStockImage(cacheDir, line => again.push(line));
      assert.deepEqual(again, [], 'nothing is built when it is there');
    } finally {
      rmSync(cacheDir, { recursive: true });
    }
  });

  it('says which folder it cannot write, and how to choose another', async () => {
    const cacheDir = join(import.meta.filename, 'cache');
    await assert.rejects(
      openStockImage(cacheDir),
      error => isCoaxError(error) && error.where === cacheDir && /COAX_CACHE/.test(error.hint),
    );
  });

  it('knows a static program from a dynamic one', () => {
    assert.equal(isStatic(readFileSync(findProgram('busybox')!)), true);
    assert.equal(isStatic(readFileSync(findProgram('ls')!)), false);
    assert.equal(isStatic(Buffer.from('#!/bin/sh\n')), false);
  });
});

describe('cache folder', () => {
  it('follows COAX_CACHE, then XDG_CACHE_HOME, then the home folder', () => {
    assert.equal(cacheFolder({ COAX_CACHE: '/c', XDG_CACHE_HOME: '/x' }), '/c');
    assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x' }), '/x/coax');
    assert.match(cacheFolder({ XDG_CACHE_HOME: 'relative' }), /\/\.cache\/coax$/);
  });
});
