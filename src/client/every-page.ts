import type { ListQuery } from '../api/value.ts';

/** Items of one request: as many as a page may have. */
const PAGE = 1000;

/** A whole list, read page by page: no answer is ever larger than a page. What stands beside the items is that of the first page. */
export async function everyPage<Item, Page extends { items: Item[]; next?: string | undefined }>(
  read: (query: ListQuery) => Promise<Page>,
): Promise<Omit<Page, 'next'>> {
  const { next, ...first } = await read({ limit: PAGE });
  for (let cursor = next; cursor !== undefined; ) {
    const page = await read({ limit: PAGE, cursor });
    first.items.push(...page.items);
    cursor = page.next;
  }
  return first;
}
