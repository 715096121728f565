import { createHash, hash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { CoaxError, textOf } from '../errors/coax-error.ts';
import { fsckMessage, readPlan } from '../ledger/fsck.ts';
import type { Plan } from '../message/message.ts';
import type { ObjectUse } from '../object-store/object-store.ts';
import { type ArchiveRow, rangesOf, toRanges } from '../store/archives.ts';
import { prefixNumber } from '../store/id-prefix.ts';
import { type MessageRow, toRawMessage } from '../store/rows.ts';

/** How the places of archives tell of faults. */
export const ARCHIVES: ObjectUse = { unavailable: 'COAX_ARCHIVE_UNAVAILABLE', what: 'archives' };

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const LEVEL = 9;
const VERSION = 1;
const ID_BYTES = 12;

/** A commit as it lay in the database. */
export interface ArchivedCommit {
  readonly seq: number;
  readonly id: string;
  readonly body: string;
  readonly snapshot: string | null;
}

export interface ArchivedMessage {
  readonly message: MessageRow;
  /** In the order of `seq`. */
  readonly commits: readonly ArchivedCommit[];
}

export interface ArchiveContent {
  /** In the order of their msgids. */
  readonly messages: readonly ArchivedMessage[];
  /** Bodies of all plans that the messages name, by hash. */
  readonly plans: ReadonlyMap<string, string>;
}

/** A file to be written, with what the store is to keep of it. */
export interface ArchiveFile {
  readonly row: Omit<ArchiveRow, 'place' | 'created'>;
  readonly bytes: Buffer;
  /** The index of commit ids, for `NAME.ids`. */
  readonly ids: Buffer;
}

export const idsName = (name: string): string => `${name}.ids`;

/**
 * Writes messages as JSON lines, compressed with Zstandard (RFC 8878): a line that says what it is, the plans, a line for
 * each message with its commits, and a last line with the SHA-256 of all before. The same content gives the same file.
 */
export async function encodeArchive(content: ArchiveContent): Promise<ArchiveFile> {
  const { messages, plans } = content;
  const msgids = messages.map(({ message }) => message.msgid);
  const [first = 0, last = 0] = [msgids[0], msgids.at(-1)];
  const commits = messages.reduce((sum, message) => sum + message.commits.length, 0);
  const lines: unknown[] = [
    { coax: 'archive', version: VERSION, first, last, messages: messages.length, commits },
    ...[...plans].map(([planHash, body]) => ({ plan: planHash, body })),
    ...messages,
  ];
  const digest = createHash('sha256');
  const texts = lines.map(line => `${JSON.stringify(line)}\n`);
  for (const text of texts) digest.update(text);
  const sha256 = digest.digest('hex');
  texts.push(`${JSON.stringify({ end: lines.length, sha256 })}\n`);
  const bytes = await compress(texts.join(''), {
    params: { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 },
  });
  const ids = encodeIds(messages);
  return {
    row: {
      name: `coax-${first}-${last}-${sha256.slice(0, 16)}.jsonl.zst`,
      first_msgid: first,
      last_msgid: last,
      messages: messages.length,
      commits,
      bytes: bytes.length,
      sha256,
      file_sha256: hash('sha256', bytes, 'hex'),
      ids_sha256: hash('sha256', ids, 'hex'),
      ranges: JSON.stringify(toRanges(msgids).map(range => [range.first, range.last])),
    },
    bytes,
    ids,
  };
}

/** Reads a file and checks that it is what the store says it is. COAX_ARCHIVE_CORRUPT. */
export async function decodeArchive(row: ArchiveFile['row'], bytes: Buffer): Promise<ArchiveContent> {
  const fault = (reason: string, cause?: unknown): CoaxError =>
    new CoaxError('COAX_ARCHIVE_CORRUPT', reason, { where: row.name, cause });
  if (hash('sha256', bytes, 'hex') !== row.file_sha256)
    throw fault('its bytes are not those that were written');
  let text: string;
  try {
    text = (await decompress(bytes)).toString('utf8');
  } catch (cause) {
    throw fault(`it cannot be unpacked: ${textOf(cause)}`, cause);
  }
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  if (hash('sha256', text.slice(0, end), 'hex') !== row.sha256)
    throw fault('its lines are not those that were written');
  try {
    return contentOf(text, row);
  } catch (cause) {
    throw fault(textOf(cause), cause);
  }
}

function contentOf(text: string, row: ArchiveFile['row']): ArchiveContent {
  const lines = text.trimEnd().split('\n');
  const head = JSON.parse(lines[0] as string) as { coax: string; version: number };
  const last = JSON.parse(lines.at(-1) as string) as { end: number; sha256: string };
  if (head.coax !== 'archive' || head.version !== VERSION)
    throw new Error('it is no archive of this version');
  if (last.end !== lines.length - 1 || last.sha256 !== row.sha256)
    throw new Error('its last line is another one');
  const plans = new Map<string, string>();
  const messages: ArchivedMessage[] = [];
  for (const line of lines.slice(1, -1)) {
    const entry = JSON.parse(line) as { plan: string; body: string } | ArchivedMessage;
    if ('plan' in entry) plans.set(entry.plan, entry.body);
    else messages.push(entry);
  }
  const ranges = toRanges(messages.map(({ message }) => message.msgid));
  if (JSON.stringify(ranges) !== JSON.stringify(rangesOf({ ...row, place: '', created: 0 })))
    throw new Error('it holds other messages than it should');
  return { messages, plans };
}

/** Messages between two turns of everybody else: their hashes are computed on the server's own thread. */
const TURN = 50;

/** What the ledger says of every message in it; nothing when all of it verifies. */
export async function checkContent({ messages, plans }: ArchiveContent): Promise<string[]> {
  const faults: string[] = [];
  for (const [index, { message, commits }] of messages.entries()) {
    const { msgid } = message;
    const found = fsckMessage(
      toRawMessage(message),
      commits.map(commit => ({ msgid, ...commit })),
      plans.get(message.plan) ?? null,
    );
    for (const { reason, seq } of found)
      faults.push(`message ${msgid}${seq === undefined ? '' : ` commit ${seq}`}: ${reason}`);
    if (index % TURN === TURN - 1) await new Promise(resolve => setImmediate(resolve));
  }
  return faults;
}

export function planIn({ plans }: ArchiveContent, planHash: string): Plan {
  const plan = readPlan(planHash, plans.get(planHash) ?? '');
  if (typeof plan === 'string')
    throw new CoaxError('COAX_ARCHIVE_CORRUPT', `the plan ${plan}`, { where: planHash });
  return plan;
}

/** For each commit, in order: the first 12 digits of its id and its message's msgid, 6 bytes each. */
export function encodeIds(messages: readonly ArchivedMessage[]): Buffer {
  const entries = messages.flatMap(({ message, commits }) =>
    commits.map(({ id }) => [prefixNumber(id), message.msgid] as const),
  );
  entries.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const bytes = Buffer.alloc(entries.length * ID_BYTES);
  entries.forEach(([prefix, msgid], index) => {
    bytes.writeUIntBE(prefix, index * ID_BYTES, 6);
    bytes.writeUIntBE(msgid, index * ID_BYTES + 6, 6);
  });
  return bytes;
}

/** Msgids of the commits whose prefix numbers are in that range. */
export function findIds(ids: Buffer, low: number, high: number): number[] {
  let from = 0;
  let to = ids.length / ID_BYTES;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (ids.readUIntBE(middle * ID_BYTES, 6) < low) from = middle + 1;
    else to = middle;
  }
  const msgids = new Set<number>();
  for (let at = from * ID_BYTES; at < ids.length && ids.readUIntBE(at, 6) <= high; at += ID_BYTES)
    msgids.add(ids.readUIntBE(at + 6, 6));
  return [...msgids];
}
