import { stat } from 'node:fs/promises';
import type { Entry, Headers } from 'tar-stream';
import type { Content, ContentRef } from '../content-source.ts';
import { archiveEntries, refused } from './archive-entries.ts';
import {
  type FileEntry,
  MANIFEST_BYTES_MAX,
  type Manifest,
  type ManifestEntry,
  parseManifest,
} from './manifest.ts';
import { type ManifestSignature, parseSignature, SIGNATURE_BYTES_MAX } from './signature.ts';

/** Name of the members of an archive. */
export const MANIFEST_MEMBER = 'manifest.json';
export const SIGNATURE_MEMBER = 'manifest.sig';
export const FILES_MEMBER = 'files';

/** How much a package may unpack to, in bytes, and by how much it may be larger than its archive. */
const UNPACKED_BYTES_MAX = 64 * 1024 ** 3;
const UNPACKED_RATIO_MAX = 1000;
/** So much is never too much, however small the archive. */
const UNPACKED_BYTES_FREE = 64 * 1024 ** 2;

/** The beginning of an archive, read and checked. */
export interface ArchiveHead {
  readonly file: string;
  readonly manifest: Manifest;
  /** Of `manifest.json`, just as it lies there. */
  readonly manifestBytes: Uint8Array;
  /** Not checked yet: see `assertSigned`. */
  readonly signature: ManifestSignature | null;
}

/** Bytes of all files of a package. */
export const unpackedBytes = (manifest: Pick<Manifest, 'entries'>): number =>
  manifest.entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0);

/**
 * Reads the head of a package's archive: manifest, signature. Refuses what unpacks to too much before anything is unpacked.
 * Errors: COAX_PACKAGE_REFUSED, COAX_PACKAGE_NOT_FOUND.
 */
export async function openArchive(file: string, signal?: AbortSignal): Promise<ArchiveHead> {
  const entries = archiveEntries(file, signal);
  try {
    const first = (await entries.next()).value;
    if (first?.header.name !== MANIFEST_MEMBER)
      throw refused(file, `it does not begin with ${MANIFEST_MEMBER}`);
    assertPlainFile(first.header, file, MANIFEST_BYTES_MAX);
    const manifestBytes = await readWhole(first);
    const manifest = parseManifest(manifestBytes, file);
    const second = (await entries.next()).value;
    let signature: ManifestSignature | null = null;
    if (second?.header.name === SIGNATURE_MEMBER) {
      assertPlainFile(second.header, file, SIGNATURE_BYTES_MAX);
      signature = parseSignature((await readWhole(second)).toString(), file);
    }
    assertNoBomb(unpackedBytes(manifest), (await stat(file)).size, file);
    return { file, manifest, manifestBytes, signature };
  } finally {
    await entries.return(undefined);
  }
}

/** Refuses a package that unpacks to more than a host should have to bear. Errors: COAX_PACKAGE_REFUSED. */
export function assertNoBomb(unpacked: number, packed: number, where: string): void {
  if (unpacked > UNPACKED_BYTES_MAX)
    throw refused(where, `it unpacks to ${unpacked} bytes; ${UNPACKED_BYTES_MAX} are allowed`);
  if (unpacked > UNPACKED_BYTES_FREE && unpacked > packed * UNPACKED_RATIO_MAX)
    throw refused(
      where,
      `it unpacks to ${unpacked} bytes, more than ${UNPACKED_RATIO_MAX} times the ${packed} of its archive`,
    );
}

/**
 * The wanted contents of an archive, each once, in one pass that looks at every member: all must be as the manifest says, in
 * its order, and none may be more or less. The contents themselves are for the receiver to check.
 * Errors: COAX_PACKAGE_REFUSED.
 */
export async function* archiveContents(
  { file, manifest, signature }: ArchiveHead,
  wanted: readonly ContentRef[],
  signal?: AbortSignal,
): AsyncGenerator<Content> {
  const open = new Set(wanted.map(({ sha256 }) => sha256));
  const expected = manifest.entries.values();
  let heads = signature === null ? 1 : 2;
  for await (const entry of archiveEntries(file, signal)) {
    if (heads-- > 0) {
      entry.resume();
      continue;
    }
    const due = expected.next().value;
    assertMember(entry.header, due, file);
    if (due?.type === 'file' && open.delete(due.sha256)) {
      yield { sha256: due.sha256, size: due.size, bytes: entry };
    } else entry.resume();
  }
  const missing = expected.next().value;
  if (missing !== undefined)
    throw refused(file, `${JSON.stringify(missing.path)} of the manifest is not in it`);
}

function assertPlainFile({ name, type, size }: Headers, file: string, maxBytes: number): void {
  if (type !== 'file') throw refused(file, `${name} is no file`);
  if ((size ?? 0) > maxBytes) throw refused(file, `${name} has ${size} bytes; ${maxBytes} are allowed`);
}

async function readWhole(entry: Entry): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of entry) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

const KINDS: Readonly<Record<string, string>> = {
  link: 'a hard link',
  'block-device': 'a block device',
  'character-device': 'a character device',
  fifo: 'a named pipe',
  'contiguous-file': 'a contiguous file',
};
const TYPE_OF: Readonly<Record<ManifestEntry['type'], string>> = {
  file: 'file',
  folder: 'directory',
  link: 'symlink',
};

/** Is this member what the manifest says should stand there? */
function assertMember(header: Headers, due: ManifestEntry | undefined, file: string): void {
  const { name, type, mode = 0, size = 0, linkname } = header;
  const shown = JSON.stringify(name.slice(0, 200));
  const kind = KINDS[type ?? ''];
  if (kind !== undefined) throw refused(file, `${shown} is ${kind}`);
  if ((mode & ~0o777) !== 0)
    throw refused(file, `${shown} has the mode ${mode.toString(8)}: no setuid, setgid or sticky bits`);
  const path = name.replace(/\/$/, '');
  if (due === undefined || path !== `${FILES_MEMBER}/${due.path}`)
    throw refused(
      file,
      due
        ? `${shown} stands where the manifest has ${JSON.stringify(due.path)}`
        : `${shown} is not in the manifest`,
    );
  if (type !== TYPE_OF[due.type])
    throw refused(file, `${shown} is a ${type}, and a ${due.type} by the manifest`);
  if (due.type === 'link' && linkname !== due.target)
    throw refused(
      file,
      `${shown} leads to ${JSON.stringify(linkname)}, and to ${JSON.stringify(due.target)} by the manifest`,
    );
  if (due.type === 'file') assertFile(shown, mode, size, due, file);
}

function assertFile(shown: string, mode: number, size: number, due: FileEntry, file: string): void {
  if (mode !== Number.parseInt(due.mode, 8))
    throw refused(file, `${shown} has the mode ${mode.toString(8)}, and ${due.mode} by the manifest`);
  if (size !== due.size) throw refused(file, `${shown} has ${size} bytes, and ${due.size} by the manifest`);
}
