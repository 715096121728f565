import type { ExportMessage } from '../ledger/git-export.ts';
import { type MsgidRange, rangesOf } from './archives.ts';
import { chainOf } from './chain.ts';
import type { Store } from './store.ts';

/**
 * Every message, of these projects or of all, with its chain, by msgid, as `gitExport` takes them; archived ones too when `store` reads archives. Errors:
 * COAX_STORE_CORRUPT when a row cannot be read, and those of reading an archive.
 */
export async function* exportMessages(
  store: Store,
  projects?: readonly string[],
): AsyncGenerator<ExportMessage> {
  for await (const msgid of msgidsOf(store)) {
    const message = await store.message(msgid);
    if (message === null || projects?.includes(message.project) === false) continue;
    const commits = [];
    for await (const commit of chainOf(store, msgid)) commits.push(commit);
    yield { msgid, flow: message.flow, plan: message.plan, created: message.created, commits };
  }
}

/** What is in the store and what is archived, growing. */
async function* msgidsOf(store: Store): AsyncGenerator<number> {
  const archived = new ArchivedMsgids(store);
  let next = 1;
  for await (const { msgid } of store.scan().messages()) {
    if (msgid > next) yield* archived.between(next, msgid - 1);
    yield msgid;
    next = msgid + 1;
  }
  yield* archived.between(next, Number.MAX_SAFE_INTEGER);
}

class ArchivedMsgids {
  readonly #store: Store;
  #ranges: readonly MsgidRange[] = [];
  /** The first range that may still be asked for. */
  #at = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Asked with growing msgids. A gap that no known archive fills may be one that was written since they were read. */
  async *between(first: number, last: number): AsyncGenerator<number> {
    let msgids = this.#known(first, last);
    if (msgids.length < last - first + 1) {
      const rows = await this.#store.scan().archives();
      this.#ranges = rows.flatMap(rangesOf).sort((a, b) => a.first - b.first);
      this.#at = 0;
      msgids = this.#known(first, last);
    }
    yield* msgids;
  }

  #known(first: number, last: number): number[] {
    const msgids = [];
    while ((this.#ranges[this.#at]?.last ?? Number.POSITIVE_INFINITY) < first) this.#at++;
    for (let at = this.#at; (this.#ranges[at]?.first ?? Number.POSITIVE_INFINITY) <= last; at++) {
      const range = this.#ranges[at] as MsgidRange;
      for (let msgid = Math.max(range.first, first); msgid <= Math.min(range.last, last); msgid++)
        msgids.push(msgid);
    }
    return msgids;
  }
}
