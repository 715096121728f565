/** Folders of packages, and archives that no honest builder would write. */
import { hash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { zstdCompressSync } from 'node:zlib';
import { type Headers, pack } from 'tar-stream';
import { buildPackage } from '../../src/package/format/build.ts';
import type { Manifest, ManifestEntry } from '../../src/package/format/manifest.ts';

const scratched: string[] = [];
process.once('exit', () => {
  for (const dir of scratched) rmSync(dir, { recursive: true, force: true });
});

/** A folder of its own, gone when the test's process is over. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'coax-package-'));
  scratched.push(dir);
  return dir;
}

/** Text of a file; `!` before it makes it executable; `->` a link. */
export type Files = Readonly<Record<string, string>>;

/** Writes `package.yaml` and `files/`. */
export function writePackage(dir: string, yaml: string, files: Files): string {
  mkdirSync(join(dir, 'files'), { recursive: true });
  writeFileSync(join(dir, 'package.yaml'), yaml);
  for (const [path, text] of Object.entries(files)) {
    const file = join(dir, 'files', path);
    mkdirSync(dirname(file), { recursive: true });
    if (text.startsWith('->')) symlinkSync(text.slice(2), file);
    else {
      writeFileSync(file, text.replace(/^!/, ''));
      chmodSync(file, text.startsWith('!') ? 0o755 : 0o644);
    }
  }
  return dir;
}

/** Builds a package into `out`. */
export async function built(out: string, yaml: string, files: Files) {
  return await buildPackage(writePackage(scratch(), yaml, files), out, null);
}

export const sha256 = (text: string | Uint8Array): string => hash('sha256', text);

export function fileEntry(path: string, text: string): Extract<ManifestEntry, { type: 'file' }> {
  return { path, type: 'file', mode: '0644', size: Buffer.byteLength(text), sha256: sha256(text) };
}

export function manifestOf(entries: readonly ManifestEntry[], more: Partial<Manifest> = {}): Manifest {
  return {
    format: 1,
    name: 'evil',
    version: '1.0.0',
    architecture: 'any',
    about: '',
    dependencies: {},
    health: null,
    hooks: {},
    entries: [...entries],
    ...more,
  };
}

export type Member = Headers & { readonly text?: string };

/** An archive of just these members, whatever they are. */
export async function archiveOf(
  manifest: Manifest | string | null,
  members: readonly Member[],
): Promise<string> {
  const tar = pack();
  if (manifest !== null)
    tar.entry({ name: 'manifest.json' }, typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  for (const { text, ...header } of members) tar.entry(header, text ?? '');
  tar.finalize();
  const file = join(scratch(), 'evil-1.0.0.tar.zst');
  writeFileSync(file, zstdCompressSync(await buffer(tar as unknown as NodeJS.ReadableStream)));
  return file;
}
