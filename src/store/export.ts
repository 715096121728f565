import type { ExportMessage } from '../ledger/git-export.ts';
import type { Store } from './store.ts';

const PAGE = 200;

/** Every message with its chain, by msgid, as `gitExport` takes them. COAX_STORE_CORRUPT when a row cannot be read. */
export async function* exportMessages(store: Store): AsyncGenerator<ExportMessage> {
  for await (const { msgid } of store.scan().messages()) {
    const message = await store.message(msgid);
    if (message === null) continue;
    const commits = [];
    for (let fromSeq = 0; ; fromSeq += PAGE) {
      const page = await store.commits(msgid, { order: 'oldest', fromSeq, limit: PAGE });
      commits.push(...page);
      if (page.length < PAGE) break;
    }
    yield { msgid, flow: message.flow, plan: message.plan, created: message.created, commits };
  }
}
