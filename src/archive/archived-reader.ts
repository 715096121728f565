import { CoaxError } from '../errors/coax-error.ts';
import { type Commit, decodeCommit } from '../ledger/commit.ts';
import { foldCommits } from '../ledger/fold.ts';
import { type Labels, NO_LABELS } from '../message/carried/labels.ts';
import { selects } from '../message/carried/selector.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { Message, Parameters } from '../message/message.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { type ArchiveRow, rangesOf } from '../store/archives.ts';
import { prefixRange } from '../store/id-prefix.ts';
import { toMessage } from '../store/rows.ts';
import type { CommitRange, MessageQuery, Store } from '../store/store.ts';
import {
  type ArchiveContent,
  type ArchivedMessage,
  decodeArchive,
  findIds,
  idsName,
  planIn,
} from './archive-file.ts';

/** Unpacked archives in memory: each is some tens of megabytes. */
const CONTENTS_MAX = 3;
const INDEXES_MAX = 256;

interface Found {
  readonly content: ArchiveContent;
  readonly archived: ArchivedMessage;
}

/**
 * Reads messages that are in archives, as the store read them when they were its own. Errors: COAX_ARCHIVE_UNAVAILABLE,
 * COAX_ARCHIVE_CORRUPT.
 */
export class ArchivedReader {
  readonly #store: Pick<Store, 'scan'>;
  readonly #open: (place: string) => ObjectStore;
  readonly #contents = new Map<string, Promise<ArchiveContent>>();
  readonly #indexes = new Map<string, Promise<Buffer>>();

  constructor(store: Pick<Store, 'scan'>, open: (place: string) => ObjectStore) {
    this.#store = store;
    this.#open = open;
  }

  async message(msgid: number): Promise<Message | null> {
    const found = await this.#find(msgid);
    return found === null ? null : messageOf(found);
  }

  async commits(msgid: number, range: CommitRange = {}): Promise<readonly Commit[]> {
    const found = await this.#find(msgid);
    const { order = 'oldest', fromSeq = 0, toSeq = Number.MAX_SAFE_INTEGER, limit } = range;
    const rows = (found?.archived.commits ?? []).filter(({ seq }) => fromSeq <= seq && seq <= toSeq);
    if (order === 'newest') rows.reverse();
    return rows.slice(0, limit).map(({ id, body }) => decodeCommit(id, body));
  }

  async parametersAt(msgid: number, seq: number): Promise<Parameters | null> {
    const commits = await this.commits(msgid, { toSeq: seq });
    return commits.at(-1)?.seq === seq ? foldCommits({}, commits) : null;
  }

  async commitsByPrefix(prefix: string, limit: number): Promise<readonly Commit[]> {
    const [low, high] = prefixRange(prefix);
    const commits: Commit[] = [];
    for (const row of await this.#rows()) {
      for (const msgid of findIds(await this.#index(row), low, high)) {
        const found = await this.#find(msgid);
        for (const { id, body } of found?.archived.commits ?? [])
          if (id.startsWith(prefix)) commits.push(decodeCommit(id, body));
        if (commits.length >= limit) return commits.slice(0, limit);
      }
    }
    return commits;
  }

  async children(msgid: number): Promise<readonly Message[]> {
    const found = await this.#find(msgid);
    if (found === null) return [];
    // A family stays together.
    return found.content.messages
      .filter(({ message }) => message.parent_msgid === msgid)
      .map(archived => messageOf({ ...found, archived }));
  }

  /** Newest first. */
  async messages(query: MessageQuery): Promise<readonly Message[]> {
    const found: Message[] = [];
    const before = query.before ?? Number.POSITIVE_INFINITY;
    for (const { row, first, last } of downwards(await this.#rows())) {
      for (let msgid = Math.min(last, before - 1); msgid >= first; msgid--) {
        if (found.length >= query.limit) return found;
        const archived = (await this.#content(row)).messages.find(({ message }) => message.msgid === msgid);
        if (archived === undefined || !fits(archived, query)) continue;
        found.push(messageOf({ content: await this.#content(row), archived }));
      }
    }
    return found;
  }

  async #rows(): Promise<readonly ArchiveRow[]> {
    return this.#store.scan().archives();
  }

  async #find(msgid: number): Promise<Found | null> {
    for (const row of await this.#rows()) {
      if (msgid < row.first_msgid || msgid > row.last_msgid) continue;
      if (!rangesOf(row).some(({ first, last }) => first <= msgid && msgid <= last)) continue;
      const content = await this.#content(row);
      const archived = content.messages.find(({ message }) => message.msgid === msgid);
      if (archived !== undefined) return { content, archived };
    }
    return null;
  }

  #content(row: ArchiveRow): Promise<ArchiveContent> {
    return remembered(this.#contents, row.name, CONTENTS_MAX, async () =>
      decodeArchive(row, await this.#get(row, row.name)),
    );
  }

  #index(row: ArchiveRow): Promise<Buffer> {
    return remembered(this.#indexes, row.name, INDEXES_MAX, () => this.#get(row, idsName(row.name)));
  }

  async #get(row: ArchiveRow, name: string): Promise<Buffer> {
    const bytes = await this.#open(row.place).get(name);
    if (bytes !== null) return bytes;
    throw new CoaxError('COAX_ARCHIVE_UNAVAILABLE', 'the archive file is not there', {
      where: `${row.place}/${name}`,
      hint: 'Put it back there, or mount the folder.',
    });
  }
}

function messageOf({ content, archived }: Found): Message {
  return toMessage(archived.message, hash => planIn(content, hash));
}

function fits({ message }: ArchivedMessage, query: MessageQuery): boolean {
  return (
    query.awaiting !== true &&
    (query.withChildren === true || message.parent_msgid === null) &&
    (query.projects?.includes(message.project ?? DEFAULT_PROJECT) ?? true) &&
    (query.flow === undefined || message.flow === query.flow) &&
    (query.status === undefined || message.phase === query.status) &&
    selects(query.selector ?? [], labelsOf(message))
  );
}

const labelsOf = ({ labels }: ArchivedMessage['message']): Labels =>
  typeof labels === 'string' ? (JSON.parse(labels) as Labels) : NO_LABELS;

/** Ranges of msgids with the archive of each, the highest first. */
function downwards(rows: readonly ArchiveRow[]): { row: ArchiveRow; first: number; last: number }[] {
  return rows
    .flatMap(row => rangesOf(row).map(range => ({ row, ...range })))
    .sort((a, b) => b.first - a.first);
}

/** The value under that key; the one that was asked for longest ago makes room. What failed is tried again. */
function remembered<T>(
  map: Map<string, Promise<T>>,
  key: string,
  max: number,
  make: () => Promise<T>,
): Promise<T> {
  const known = map.get(key) ?? make();
  map.delete(key);
  map.set(key, known);
  known.catch(() => map.delete(key));
  if (map.size > max) map.delete(map.keys().next().value as string);
  return known;
}
