import { CoaxError } from '../errors/coax-error.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { columnsOf } from '../store/raw-tables.ts';
import type { MessageRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import {
  type ArchivedCommit,
  type ArchivedMessage,
  type ArchiveFile,
  checkContent,
  decodeArchive,
  encodeArchive,
  idsName,
} from './archive-file.ts';
import { type Family, findFamilies } from './find-families.ts';

/** One file holds at most so much, except that a family stays together. */
const MESSAGES_MAX = 1000;
const CHARACTERS_MAX = 16_000_000;

const COLUMNS = columnsOf('messages');

export interface ArchiveReport {
  readonly place: string;
  readonly archives: readonly {
    readonly name: string;
    readonly messages: number;
    readonly commits: number;
    readonly bytes: number;
  }[];
  readonly messages: number;
  readonly commits: number;
  readonly bytes: number;
  /** Messages that changed while they were being archived; they stay. */
  readonly kept: number;
}

/** The turns of an archive's life, in order. */
export type ArchiveTurn = 'begun' | 'written' | 'indexed' | 'verified' | 'dropped';

export interface ArchiveOptions {
  /** Messages that have not changed since (ms since 1970) are old. */
  readonly before: number;
  /** Hears of each turn; for tests that end the process there. */
  readonly onTurn?: (turn: ArchiveTurn, name: string) => void | Promise<void>;
}

/**
 * Moves old finished messages, with their families and commits, into archive files. A file is written, read back, and
 * verified down to the last hash before its messages leave the store, in one transaction that finds them unchanged. Ended
 * at any moment, it leaves each message in the store or in an archive that the store knows. Safe to repeat.
 *
 * Errors: COAX_ARCHIVE_UNAVAILABLE, COAX_ARCHIVE_CORRUPT (what was read back is not what was written), COAX_STORE_CORRUPT.
 */
export async function archiveMessages(
  store: Store,
  objects: ObjectStore,
  { before, onTurn = () => {} }: ArchiveOptions,
): Promise<ArchiveReport> {
  const archives: ArchiveReport['archives'][number][] = [];
  let kept = 0;
  for await (const batch of batches(store, before)) {
    const file = await encodeArchive({ messages: batch, plans: await plansOf(store, batch) });
    const { row } = file;
    await onTurn('begun', row.name);
    await objects.put(row.name, file.bytes);
    await onTurn('written', row.name);
    await objects.put(idsName(row.name), file.ids);
    await onTurn('indexed', row.name);
    await readBack(objects, file);
    await onTurn('verified', row.name);
    const marks = batch.map(({ message }) => message);
    const archive = { ...row, place: objects.place, created: store.now() };
    if (await store.transact(tx => tx.drop(archive, marks))) {
      archives.push({ name: row.name, messages: row.messages, commits: row.commits, bytes: row.bytes });
      await onTurn('dropped', row.name);
    } else {
      kept += batch.length;
    }
  }
  const sum = (of: 'messages' | 'commits' | 'bytes'): number => archives.reduce((n, one) => n + one[of], 0);
  return {
    place: objects.place,
    archives,
    messages: sum('messages'),
    commits: sum('commits'),
    bytes: sum('bytes'),
    kept,
  };
}

/** Only what a reader would get counts: the file is judged as it lies there. */
async function readBack(objects: ObjectStore, { row, ids }: ArchiveFile): Promise<void> {
  const where = `${objects.place}/${row.name}`;
  const [bytes, index] = [await objects.get(row.name), await objects.get(idsName(row.name))];
  if (bytes === null || index === null || !index.equals(ids))
    throw new CoaxError('COAX_ARCHIVE_CORRUPT', 'what was written is not there', { where });
  const [fault] = await checkContent(await decodeArchive(row, bytes));
  if (fault !== undefined)
    throw new CoaxError('COAX_STORE_CORRUPT', `what does not verify is not archived: ${fault}`, {
      where,
      hint: 'Nothing was dropped. `coax fsck` lists the damage.',
    });
}

async function* batches(store: Store, before: number): AsyncGenerator<ArchivedMessage[]> {
  let batch: ArchivedMessage[] = [];
  let characters = 0;
  for await (const family of findFamilies(store, before)) {
    for (const message of family) {
      const archived = await withCommits(store, message);
      characters += sizeOf(archived);
      batch.push(archived);
    }
    if (batch.length < MESSAGES_MAX && characters < CHARACTERS_MAX) continue;
    yield inOrder(batch);
    batch = [];
    characters = 0;
  }
  if (batch.length > 0) yield inOrder(batch);
}

const inOrder = (batch: ArchivedMessage[]): ArchivedMessage[] =>
  batch.sort((a, b) => a.message.msgid - b.message.msgid);

async function withCommits(store: Store, message: Family[number]): Promise<ArchivedMessage> {
  const commits: ArchivedCommit[] = [];
  for await (const { seq, id, body, snapshot } of store.scan().commits(message.msgid))
    commits.push({ seq, id, body, snapshot });
  // What an engine derives for itself is left out.
  const row = Object.fromEntries(COLUMNS.map(name => [name, message[name as keyof MessageRow]]));
  return { message: row as unknown as MessageRow, commits };
}

function sizeOf({ message, commits }: ArchivedMessage): number {
  return commits.reduce(
    (sum, { body, snapshot }) => sum + body.length + (snapshot?.length ?? 0),
    message.base.length + message.trail.length + 500,
  );
}

async function plansOf(store: Store, batch: readonly ArchivedMessage[]): Promise<Map<string, string>> {
  const wanted = new Set(batch.map(({ message }) => message.plan));
  const plans = new Map<string, string>();
  for await (const { hash, body } of store.scan().plans()) if (wanted.has(hash)) plans.set(hash, body);
  return plans;
}
