import type { Kysely } from 'kysely';

/** Both ends belong to it. */
export interface MsgidRange {
  readonly first: number;
  readonly last: number;
}

/** What the store keeps of an archive file: where it is, which msgids went into it, and what it must be. */
export interface ArchiveRow {
  readonly name: string;
  /** A folder, or `s3://bucket/prefix`. */
  readonly place: string;
  readonly first_msgid: number;
  readonly last_msgid: number;
  readonly messages: number;
  readonly commits: number;
  /** Size of the file. */
  readonly bytes: number;
  /** Of the lines before the last one, as they are without compression. */
  readonly sha256: string;
  /** Of the file itself. */
  readonly file_sha256: string;
  /** Of the index of commit ids beside it. */
  readonly ids_sha256: string;
  /** JSON: [[first, last], …], in order. */
  readonly ranges: string;
  readonly created: number;
}

export function rangesOf(row: ArchiveRow): MsgidRange[] {
  return (JSON.parse(row.ranges) as [number, number][]).map(([first, last]) => ({ first, last }));
}

/** Growing msgids as ranges. */
export function toRanges(msgids: readonly number[]): MsgidRange[] {
  const ranges: { first: number; last: number }[] = [];
  for (const msgid of msgids) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last + 1 === msgid) range.last = msgid;
    else ranges.push({ first: msgid, last: msgid });
  }
  return ranges;
}

/** A message as it was when it was archived; it is dropped only if it is still so. */
export interface ArchivedMark {
  readonly msgid: number;
  readonly seq: number;
  readonly fence: number;
  readonly head: string;
}

interface Tables {
  messages: { msgid: number; seq: number; fence: number; head: string; parent_msgid: number | null };
  commits: { msgid: number };
  message_labels: { msgid: number };
  allocations: { msgid: number };
  archives: ArchiveRow;
}

const CHUNK = 500;

/**
 * Takes messages out of the store, with their commits, in the open transaction, and keeps the archive's row. False, and
 * nothing is done, when one of them is not as it was, holds something, or has a child that is not among them.
 */
export async function dropMessages(
  // biome-ignore lint/suspicious/noExplicitAny: both engines' transactions
  anyDb: Kysely<any>,
  archive: ArchiveRow,
  marks: readonly ArchivedMark[],
): Promise<boolean> {
  const db = anyDb as Kysely<Tables>;
  const all = new Map(marks.map(mark => [mark.msgid, mark]));
  const chunks = Array.from({ length: Math.ceil(marks.length / CHUNK) }, (_, i) =>
    marks.slice(i * CHUNK, (i + 1) * CHUNK).map(({ msgid }) => msgid),
  );
  for (const msgids of chunks) {
    const rows = await db
      .selectFrom('messages')
      .select(['msgid', 'seq', 'fence', 'head'])
      .where('msgid', 'in', msgids)
      .execute();
    const same = rows.filter(row => {
      const mark = all.get(row.msgid);
      return mark?.seq === row.seq && mark.fence === row.fence && mark.head === row.head;
    });
    if (same.length !== msgids.length) return false;
    const held = await db
      .selectFrom('allocations')
      .select('msgid')
      .where('msgid', 'in', msgids)
      .limit(1)
      .execute();
    if (held.length > 0) return false;
    const children = await db
      .selectFrom('messages')
      .select('msgid')
      .where('parent_msgid', 'in', msgids)
      .execute();
    if (children.some(({ msgid }) => !all.has(msgid))) return false;
  }
  for (const msgids of chunks) {
    await db.deleteFrom('commits').where('msgid', 'in', msgids).execute();
    await db.deleteFrom('message_labels').where('msgid', 'in', msgids).execute();
    await db.deleteFrom('messages').where('msgid', 'in', msgids).execute();
  }
  await db.insertInto('archives').values(archive).execute();
  return true;
}
