import type { NamedListQuery } from '../api/value.ts';
import { CoaxError } from '../errors/coax-error.ts';
import type { Commit } from '../ledger/commit.ts';
import type { Labels } from '../message/carried/labels.ts';
import { parseSelector, selects } from '../message/carried/selector.ts';
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
  throw new CoaxError('COAX_MESSAGE_INVALID', 'that cursor is none of this list', {
    where: '/cursor',
    hint: 'Give `next` of the page before, unchanged.',
  });
}

/**
 * Of a list of named things, those that a selector wants, in the order of their names, and of these one page. A name that
 * comes or goes between two pages shifts nothing.
 */
export function namedPage<Item extends { readonly name: string }>(
  items: readonly Item[],
  { selector = '', limit, cursor }: NamedListQuery,
  labelsOf: (item: Item) => Labels,
): { items: Item[]; next?: string } {
  const wanted = parseSelector(selector);
  const after = cursor === undefined ? '' : Buffer.from(cursor, 'base64url').toString();
  const chosen = items
    .filter(item => item.name > after && selects(wanted, labelsOf(item)))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (limit === undefined || chosen.length <= limit) return { items: chosen };
  const shown = chosen.slice(0, limit);
  return { items: shown, next: Buffer.from(shown.at(-1)!.name).toString('base64url') };
}

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
