import type { Commit } from '../ledger/commit.ts';
import type { Store } from './store.ts';

const PAGE = 500;

/**
 * The commits of a message from its first one up to and with `toSeq` (the newest if absent), a page at a time: a chain may
 * be longer than memory is large.
 */
export async function* chainOf(
  store: Pick<Store, 'commits'>,
  msgid: number,
  toSeq = Number.MAX_SAFE_INTEGER,
): AsyncGenerator<Commit> {
  for (let fromSeq = 0; ; fromSeq += PAGE) {
    const page = await store.commits(msgid, { order: 'oldest', fromSeq, toSeq, limit: PAGE });
    yield* page;
    if (page.length < PAGE) return;
  }
}
