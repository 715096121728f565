import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import { webhookTables } from './schema.ts';

/** So often it is looked, while somebody listens: one look of one table for all who do. */
const LOOK_MS = 500;

/** A webhook, or what became of one of its deliveries, is another than before. */
export interface WebhookNote {
  readonly id: string;
  readonly project: string;
}

type Listener = (note: WebhookNote) => void;

/**
 * Tells which webhooks have changed, whichever server did it: each change counts `webhooks.changed` up in its own transaction. Nothing is
 * looked at while nobody listens.
 */
export class WebhookNews {
  readonly #store: Store;
  readonly #listeners = new Set<Listener>();
  #known: Map<string, { readonly project: string; readonly changed: number }> | null = null;
  #looking = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Hears of what changes from now on; returns what ends it. Resolves when the first look was had. */
  async hear(listener: Listener): Promise<() => void> {
    this.#listeners.add(listener);
    if (!this.#looking) void this.#look();
    if (this.#known === null) await this.#read().catch(() => {});
    return () => this.#listeners.delete(listener);
  }

  async #look(): Promise<void> {
    this.#looking = true;
    while (this.#listeners.size > 0) {
      // A store that is away says nothing; what changed meanwhile is told when it is back.
      await this.#read().catch(() => {});
      await sleep(LOOK_MS, undefined, { ref: false });
    }
    this.#looking = false;
    this.#known = null;
  }

  async #read(): Promise<void> {
    const rows = await webhookTables(this.#store.reader)
      .selectFrom('webhooks')
      .select(['id', 'project', 'changed'])
      .execute();
    const before = this.#known;
    this.#known = new Map(
      rows.map(({ id, project, changed }) => [id, { project, changed: Number(changed) }]),
    );
    if (before === null) return;
    for (const [id, { project, changed }] of this.#known)
      if (before.get(id)?.changed !== changed) this.#tell({ id, project });
    for (const [id, { project }] of before) if (!this.#known.has(id)) this.#tell({ id, project });
  }

  #tell(note: WebhookNote): void {
    for (const listener of this.#listeners) listener(note);
  }
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
