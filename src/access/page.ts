import type { ListQuery } from '../api/value.ts';
import { CoaxError } from '../errors/coax-error.ts';
import type { Commit } from '../ledger/commit.ts';
import type { ListKey, Slice } from '../store/slice.ts';
import type { Store } from '../store/store.ts';

/** Cursors are opaque to clients: a letter for the list they belong to, and the key of the last item shown. */
export function cursorOf(list: string, key: number): string {
  return Buffer.from(`${list}${key}`).toString('base64url');
}

export function readCursor(list: string, cursor: string | undefined): number | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const key = Number(text.slice(1));
  if (text[0] === list && /^\d{1,16}$/.test(text.slice(1)) && Number.isSafeInteger(key)) return key;
  throw badCursor();
}

/** A list that goes page by page: its name, which no other list has, and what its key is made of: `n` a number, `s` a text. */
interface Keyed<Item> {
  readonly list: string;
  readonly shape: string;
  /** What orders the list, and is one item's alone. */
  readonly keyOf: (item: Item) => ListKey;
}

/** One page of a list that `read` gives in the order of its key. */
export async function keyedPage<Item>(
  { list, shape, keyOf }: Keyed<Item>,
  { limit, cursor }: ListQuery,
  read: (slice: Slice) => Promise<readonly Item[]>,
): Promise<{ items: Item[]; next?: string }> {
  const after = readKey(list, shape, cursor);
  const found = await read({ after, limit: limit === undefined ? undefined : limit + 1 });
  if (limit === undefined || found.length <= limit) return { items: [...found] };
  const items = found.slice(0, limit);
  const key = JSON.stringify([list, ...keyOf(items.at(-1)!)]);
  return { items, next: Buffer.from(key).toString('base64url') };
}

/** The same of a list that is in memory anyhow. */
export function pageInMemory<Item>(
  keyed: Keyed<Item>,
  query: ListQuery,
  items: readonly Item[],
): Promise<{ items: Item[]; next?: string }> {
  const { keyOf } = keyed;
  return keyedPage(keyed, query, async ({ after, limit }) =>
    items
      .filter(item => after === undefined || order(keyOf(item), after) > 0)
      .sort((a, b) => order(keyOf(a), keyOf(b)))
      .slice(0, limit),
  );
}

function order(a: ListKey, b: ListKey): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}

function readKey(list: string, shape: string, cursor: string | undefined): ListKey | undefined {
  if (cursor === undefined) return undefined;
  const [name, ...key] = parsed(Buffer.from(cursor, 'base64url').toString());
  if (name === list && key.length === shape.length && key.every((part, at) => isPart(part, shape[at]!)))
    return key as ListKey;
  throw badCursor();
}

function parsed(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** PostgreSQL takes no text with a zero byte, and no number that is none of its integers. */
const isPart = (part: unknown, kind: string): boolean =>
  kind === 'n' ? Number.isSafeInteger(part) : typeof part === 'string' && !part.includes('\0');

const badCursor = (): CoaxError =>
  new CoaxError('COAX_MESSAGE_INVALID', 'that cursor is none of this list', {
    where: '/cursor',
    hint: 'Give `next` of the page before, unchanged.',
  });

interface CommitsWish {
  readonly order: 'newest' | 'oldest';
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** One page of a message's commits. Commits only grow in number, so a page never shifts. */
export async function commitsPage(
  store: Store,
  msgid: number,
  { order, limit, cursor }: CommitsWish,
): Promise<{ commits: readonly Commit[]; next?: string }> {
  const last = readCursor(order[0]!, cursor);
  if (last === 0 && order === 'newest') return { commits: [] };
  const from = last === null ? {} : order === 'newest' ? { toSeq: last - 1 } : { fromSeq: last + 1 };
  const found = await store.commits(msgid, { order, limit: limit + 1, ...from });
  const commits = found.slice(0, limit);
  return found.length > limit ? { commits, next: cursorOf(order[0]!, commits.at(-1)!.seq) } : { commits };
}
