import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCoaxError } from '../../errors/coax-error.ts';
import type { ContentRef } from '../content-source.ts';
import {
  digestOf,
  MANIFEST_BYTES_MAX,
  type Manifest,
  type ManifestEntry,
  manifestBytes,
  parseManifest,
} from './manifest.ts';

const CONTENT: ContentRef = { sha256: 'a'.repeat(64), size: 3 };
const folder = (path: string): ManifestEntry => ({ path, type: 'folder' });
const file = (path: string, mode: '0644' | '0755' = '0644'): ManifestEntry => ({
  path,
  type: 'file',
  mode,
  ...CONTENT,
});
const link = (path: string, target: string): ManifestEntry => ({ path, type: 'link', target });

const manifest = (entries: ManifestEntry[], more: Partial<Manifest> = {}): Manifest => ({
  format: 1,
  name: 'web',
  version: '1.0.0',
  architecture: 'any',
  about: '',
  dependencies: {},
  health: null,
  hooks: {},
  entries,
  ...more,
});
const textOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function assertRefused(bytes: Uint8Array, reason: RegExp): void {
  assert.throws(
    () => parseManifest(bytes, 'web-1.0.0'),
    error => {
      assert.ok(isCoaxError(error, 'COAX_PACKAGE_REFUSED'), String(error));
      assert.match(error.reason, reason);
      return true;
    },
    String(reason),
  );
}

test('a manifest comes back as it was written, and its digest is that of its bytes', () => {
  const given = manifest([
    folder('bin'),
    file('bin/check', '0755'),
    folder('lib'),
    link('lib/current', 'v1'),
    folder('lib/v1'),
    link('up', 'bin'),
  ]);
  const bytes = manifestBytes(given);
  assert.deepEqual(parseManifest(bytes, 'x'), given);
  assert.match(digestOf(bytes), /^[0-9a-f]{64}$/);
  assert.notEqual(digestOf(bytes), digestOf(manifestBytes({ ...given, about: 'other' })));
});

test('paths that lead elsewhere or hide something are refused', () => {
  for (const [path, reason] of [
    ['../etc', /`\.\.`/],
    ['bin/../../etc', /`\.\.`/],
    ['/etc/passwd', /absolute/],
    ['', /empty/],
    ['a//b', /empty name/],
    ['a/./b', /`\.`/],
    ['a\0b', /cannot be seen/],
    ['a\u202eb', /cannot be seen/],
    ['a\u200bb', /cannot be seen/],
    ['e\u0301', /NFC/],
    ['x'.repeat(256), /longer than 255/],
    [Array.from({ length: 65 }, () => 'a').join('/'), /deeper/],
    ['\ud800', /not Unicode/],
  ] as const)
    assertRefused(textOf(manifest([file(path)])), reason);
});

test('entries that would overwrite each other, or lie in what is no folder, are refused', () => {
  assertRefused(textOf(manifest([file('a'), file('a')])), /stands twice/);
  assertRefused(textOf(manifest([file('b'), file('a')])), /out of order/);
  assertRefused(textOf(manifest([file('README'), file('readme')])), /case/);
  assertRefused(textOf(manifest([file('stra\u00dfe'), file('strasse')].reverse())), /case/);
  assertRefused(textOf(manifest([file('\uff41'), file('a')].reverse())), /form of a letter/);
  assertRefused(textOf(manifest([file('bin/a')])), /no folder/);
  assertRefused(textOf(manifest([folder('real'), link('up', 'real'), file('up/a')])), /no folder/);
});

test('links that leave the package are refused, through other links too', () => {
  assertRefused(textOf(manifest([link('a', '/etc/passwd')])), /leads out/);
  assertRefused(textOf(manifest([link('a', '../b')])), /leads out/);
  assertRefused(textOf(manifest([folder('d'), link('d/a', '../../b')])), /leads out/);
  // `in` is at the top, so what stands behind it is further up than it looks.
  const through = [folder('d'), folder('d/e'), link('d/e/out', 'in/../../x'), link('d/e/in', '../..')];
  assertRefused(textOf(manifest([through[0]!, through[1]!, through[3]!, through[2]!])), /leads out/);
  assertRefused(textOf(manifest([link('a', 'b'), link('b', 'a')])), /circle/);
  assertRefused(textOf(manifest([link('a', 'nothing')])), /leads to nothing/);
});

test('modes beyond 0644 and 0755, unknown types and unknown keys are refused', () => {
  assertRefused(textOf(manifest([{ ...file('su'), mode: '4755' } as never])), /"su"/);
  assertRefused(textOf(manifest([{ path: 'sda', type: 'device' } as never])), /"sda"/);
  assertRefused(textOf({ ...manifest([]), owner: 'root' }), /owner/);
  assertRefused(textOf({ ...manifest([]), version: '1.0' }), /semver/);
  assertRefused(textOf({ ...manifest([]), name: 'Web/..' }), /small letters/);
  assertRefused(textOf({ ...manifest([]), dependencies: { b: 'whatever' } }), /range/);
});

test('a manifest that is too large, or no JSON, is refused', () => {
  assertRefused(Buffer.alloc(MANIFEST_BYTES_MAX + 1, 0x20), /are allowed/);
  const many = Buffer.from(`{"entries":[${'0,'.repeat(300_000)}0]}`);
  assertRefused(many, /has 300001 entries; 200000 are allowed/);
  assertRefused(Buffer.from('['.repeat(1_000_000)), /not JSON/);
  assertRefused(Buffer.from('null'), /expected object/);
  assertRefused(Buffer.from([0xff, 0xfe]), /not JSON/);
  assertRefused(Buffer.from('{"format":'), /not JSON/);
});

test('hooks and the health check run programs that are there', () => {
  const run = (program: string, entries: ManifestEntry[]) =>
    textOf(manifest(entries, { health: { command: [program], timeoutMs: 1000, attempts: 1, everyMs: 0 } }));
  assertRefused(run('bin/check', []), /no such file/);
  assertRefused(run('check', []), /absolute/);
  assertRefused(run('check', [file('check')]), /not executable/);
  assertRefused(run('bin', [folder('bin')]), /no file/);
  parseManifest(run('check', [file('check', '0755')]), 'x');
  parseManifest(run('/usr/bin/true', []), 'x');
});
