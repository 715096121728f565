import { News } from '../news/news.ts';
import type { Store } from '../store/store.ts';
import { webhookTables } from './schema.ts';

/** A webhook, or what became of one of its deliveries, is another than before. */
export interface WebhookNote {
  readonly id: string;
  readonly project: string;
}

type Known = ReadonlyMap<string, { readonly project: string; readonly changed: number }>;
export type WebhookNews = News<Known, WebhookNote>;

/** Tells which webhooks have changed: each change counts `webhooks.changed` up in its own transaction. */
export function webhookNews(store: Store): WebhookNews {
  return new News(() => readChanges(store), differences);
}

async function readChanges(store: Store): Promise<Known> {
  const rows = await webhookTables(store.reader)
    .selectFrom('webhooks')
    .select(['id', 'project', 'changed'])
    .execute();
  return new Map(rows.map(({ id, project, changed }) => [id, { project, changed: Number(changed) }]));
}

function differences(before: Known, now: Known): WebhookNote[] {
  const changed = [...now].filter(([id, { changed }]) => before.get(id)?.changed !== changed);
  const gone = [...before].filter(([id]) => !now.has(id));
  return [...changed, ...gone].map(([id, { project }]) => ({ id, project }));
}

/** In the transaction of whatever changes webhooks or their deliveries. */
export async function noteChanged(
  db: ReturnType<typeof webhookTables>,
  ids: readonly string[],
): Promise<void> {
  await db
    .updateTable('webhooks')
    .set(({ eb }) => ({ changed: eb('changed', '+', 1) }))
    .where('id', 'in', [...ids])
    .execute();
}
