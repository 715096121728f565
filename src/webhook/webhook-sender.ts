import { setTimeout as sleep } from 'node:timers/promises';
import { isCoaxError } from '../errors/coax-error.ts';
import { decodeCommit } from '../ledger/commit.ts';
import type { Store } from '../store/store.ts';
import type { AddressGuard } from './address-guard.ts';
import { cloudEventOf, eventsOf } from './message-events.ts';
import { type Posted, postEvent } from './post-event.ts';
import { type DeliveryRow, type WebhookRow, webhookTables } from './schema.ts';
import { noteChanged } from './webhook-news.ts';
import { addDelivery, type Webhooks } from './webhooks.ts';

export interface SenderOptions {
  readonly store: Store;
  readonly webhooks: Webhooks;
  readonly guard: AddressGuard;
  /** Of this server, among all of the store. */
  readonly name: string;
  /** What receivers see as User-Agent. */
  readonly agent: string;
  /** Waits between attempts, in milliseconds; after the last the delivery is dead. */
  readonly waitsMs?: readonly number[];
  onFault(error: unknown): void;
}

/** As Standard Webhooks proposes: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: ten attempts in three days. */
const WAITS_MS = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map(s => s * 1000);
const LOOK_MS = 1000;
const TOGETHER_MS = 25;
const LEASE_MS = 15_000;
const RENEW_MS = 5000;
/** Where several servers write, a commit may become visible behind later ones: so long it is looked for again. */
const BEHIND_MS = 60_000;
const AGAIN_MS = 10_000;
const PAGE = 500;
/** Deliveries under way for one webhook. */
const SIDE_BY_SIDE = 8;
/** So many deliveries in a row given up disable a webhook. */
const DEAD_MAX = 5;
/** What was delivered is shown for three days, what is dead for a month. */
const KEEP_MS = { delivered: 3 * 86_400_000, dead: 30 * 86_400_000 };
const CLEAN_MS = 3_600_000;

type Hook = Pick<WebhookRow, 'id' | 'project' | 'url' | 'events' | 'flow' | 'position'>;

/**
 * Makes deliveries of commits, and sends them. Of the servers on a store one does it at a time. A commit is looked at from the
 * webhook's own position in the store, which moves on in the transaction that makes its deliveries: so nothing is lost when a
 * server dies, and what was sent just before may be sent again, under the same id. Events of one message are sent in order, each
 * when the one before was delivered or given up.
 */
export class WebhookSender {
  readonly #options: SenderOptions;
  readonly #waitsMs: readonly number[];
  readonly #inFlight = new Set<string>();
  readonly #stopCommits: () => void;
  readonly #loop: Promise<void>;
  #closed = false;
  #wake: () => void = () => {};
  #news = true;
  #hasHooks = false;
  #leaseUntil = 0;
  #renewed = 0;
  #seen = 0;
  #again = 0;
  #cleaned = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#waitsMs = options.waitsMs ?? WAITS_MS;
    this.#stopCommits = options.store.onCommit(() => {
      this.#news = true;
      if (this.#hasHooks) this.#wake();
    });
    this.#loop = this.#run();
  }

  /** Ends after the round under way; what is being sent may be sent again by another. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#stopCommits();
    this.#wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      let waitMs = LOOK_MS;
      try {
        waitMs = await this.#round();
      } catch (error) {
        this.#options.onFault(error);
      }
      if (this.#closed) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, waitMs);
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
      this.#wake = () => {};
      // What comes at the same time is looked at together.
      await sleep(TOGETHER_MS);
    }
  }

  /** One look at everything. Returns when to look again. */
  async #round(): Promise<number> {
    const { store } = this.#options;
    const hooks: Hook[] = await webhookTables(store.reader)
      .selectFrom('webhooks')
      .select(['id', 'project', 'url', 'events', 'flow', 'position'])
      .where('state', '=', 'active')
      .execute();
    this.#hasHooks = hooks.length > 0;
    if (hooks.length === 0) {
      this.#seen = 0;
      return LOOK_MS;
    }
    if (!(await this.#isSender())) return LOOK_MS;
    await this.#gather(hooks);
    await this.#clean();
    return this.#sendDue(hooks);
  }

  /** Holds the lease of the one that sends, or takes it when whoever had it does not hold on to it. */
  async #isSender(): Promise<boolean> {
    const { store, name } = this.#options;
    if (performance.now() - this.#renewed < RENEW_MS && this.#leaseUntil > store.now()) return true;
    const until = await store.transact(async tx => {
      const { numUpdatedRows } = await webhookTables(tx.db)
        .updateTable('webhook_leases')
        .set({ owner: name, until: tx.now + LEASE_MS })
        .where('name', '=', 'sender')
        .where(({ or, eb }) => or([eb('owner', '=', name), eb('until', '<', tx.now)]))
        .executeTakeFirst();
      return Number(numUpdatedRows) > 0 ? tx.now + LEASE_MS : 0;
    });
    if (until > 0 && this.#leaseUntil === 0) this.#seen = 0;
    this.#leaseUntil = until;
    this.#renewed = performance.now();
    return until > 0;
  }

  /** Makes deliveries of the commits that no webhook has heard of yet. */
  async #gather(hooks: readonly Hook[]): Promise<void> {
    const { store } = this.#options;
    const { shared } = store.capabilities;
    const isAgain = shared && performance.now() - this.#again > AGAIN_MS;
    if (!this.#news && !isAgain && !shared) return;
    this.#news = false;
    if (isAgain) this.#again = performance.now();
    const floor = Math.min(...hooks.map(({ position }) => Number(position)));
    let from = isAgain ? floor : Math.max(floor, this.#seen);
    for (;;) {
      const rows = await webhookTables(store.reader)
        .selectFrom('commits')
        .select(['pos', 'id', 'body'])
        .where('pos', '>', from)
        .orderBy('pos')
        .limit(PAGE)
        .execute();
      if (rows.length === 0 || this.#closed) return;
      await this.#take(hooks, rows);
      from = Number(rows.at(-1)!.pos);
      this.#seen = Math.max(this.#seen, from);
      if (rows.length < PAGE) return;
    }
  }

  async #take(
    hooks: readonly Hook[],
    rows: readonly { readonly pos: number; readonly id: string; readonly body: string }[],
  ): Promise<void> {
    const { store } = this.#options;
    const before = store.capabilities.shared ? store.now() - BEHIND_MS : Number.POSITIVE_INFINITY;
    const made: Parameters<typeof addDelivery>[1][] = [];
    let safe = 0;
    let isSafe = true;
    for (const { pos, id, body } of rows) {
      const commit = decodeCommit(id, body);
      isSafe &&= commit.finished < before;
      if (isSafe) safe = Number(pos);
      for (const { kind, message, state } of await eventsOf(store, commit)) {
        const event = cloudEventOf(kind, message, state, commit);
        for (const hook of hooks) {
          if (Number(hook.position) >= Number(pos) || hook.project !== message.project) continue;
          if (hook.flow !== '' && hook.flow !== message.flow) continue;
          if (!(JSON.parse(hook.events) as string[]).includes(kind)) continue;
          made.push({
            webhook: hook.id,
            event: event.id,
            type: event.type,
            msgid: message.msgid,
            body: JSON.stringify(event),
            position: Number(pos),
          });
        }
      }
    }
    if (made.length === 0 && safe === 0) return;
    await store.transact(async tx => {
      for (const delivery of made) await addDelivery(tx, delivery);
      if (made.length > 0)
        await noteChanged(webhookTables(tx.db), [...new Set(made.map(({ webhook }) => webhook))]);
      if (safe === 0) return;
      await webhookTables(tx.db)
        .updateTable('webhooks')
        .set({ position: safe })
        .where('position', '<', safe)
        .where(
          'id',
          'in',
          hooks.map(({ id }) => id),
        )
        .execute();
    });
  }

  /** Starts what is due. Returns when something may be due next. */
  async #sendDue(hooks: readonly Hook[]): Promise<number> {
    const { store } = this.#options;
    const now = store.now();
    const waiting = await webhookTables(store.reader)
      .selectFrom('webhook_deliveries')
      .selectAll()
      .where('state', '=', 'pending')
      .where(
        'webhook',
        'in',
        hooks.map(({ id }) => id),
      )
      .orderBy('webhook')
      .orderBy('position')
      .orderBy('type')
      .limit(PAGE * 4)
      .execute();
    const first = new Set<string>();
    const busy = new Map<string, number>();
    let next = LOOK_MS;
    for (const delivery of waiting) {
      const lane = `${delivery.webhook} ${delivery.msgid || delivery.id}`;
      if (first.has(lane)) continue;
      first.add(lane);
      const count = busy.get(delivery.webhook) ?? 0;
      const isDue = Number(delivery.next_at) <= now;
      if (!isDue) next = Math.min(next, Math.max(Number(delivery.next_at) - now, 10));
      const isHere = this.#inFlight.has(delivery.id);
      if (isHere) busy.set(delivery.webhook, count + 1);
      if (isHere || !isDue || count >= SIDE_BY_SIDE) continue;
      busy.set(delivery.webhook, count + 1);
      const { url } = hooks.find(({ id }) => id === delivery.webhook)!;
      this.#inFlight.add(delivery.id);
      void this.#send(delivery, url)
        .catch(error => this.#options.onFault(error))
        .finally(() => {
          this.#inFlight.delete(delivery.id);
          this.#wake();
        });
    }
    return next;
  }

  async #send(delivery: DeliveryRow, url: string): Promise<void> {
    const { store, webhooks, guard, agent } = this.#options;
    const now = store.now();
    let posted: Posted;
    try {
      const event = { id: delivery.event, body: delivery.body, agent };
      const secrets = await webhooks.secretsOf(delivery.webhook, now);
      // What is allowed may be less than when the webhook was made.
      posted = await postEvent(guard.url(url), { ...event, secrets }, guard, now);
    } catch (error) {
      if (!isCoaxError(error) || error.code === 'COAX_STORE_UNAVAILABLE') throw error;
      posted = { ok: false, status: null, result: error.reason.slice(0, 200) };
    }
    await this.#note(delivery, posted);
  }

  async #note({ id, webhook, attempts }: DeliveryRow, posted: Posted): Promise<void> {
    const count = Number(attempts) + 1;
    const wait = this.#waitsMs[count - 1];
    const isDead = !posted.ok && (wait === undefined || posted.status === 410);
    await this.#options.store.transact(async tx => {
      const db = webhookTables(tx.db);
      // By chance up to a tenth more, so that what failed together does not come back together.
      const next =
        tx.now + Math.max(posted.retryAfterMs ?? 0, Math.floor((wait ?? 0) * (1 + Math.random() / 10)));
      await db
        .updateTable('webhook_deliveries')
        .set({
          state: posted.ok ? 'delivered' : isDead ? 'dead' : 'pending',
          attempts: count,
          next_at: next,
          result: posted.result,
          updated: tx.now,
        })
        .where('id', '=', id)
        .execute();
      await noteChanged(db, [webhook]);
      if (!posted.ok && !isDead) return;
      const row = await db
        .selectFrom('webhooks')
        .select('dead_in_row')
        .where('id', '=', webhook)
        .executeTakeFirst();
      const dead = posted.ok ? 0 : Number(row?.dead_in_row ?? 0) + 1;
      const isOver = posted.status === 410 || dead >= DEAD_MAX;
      const reason =
        posted.status === 410
          ? 'the receiver says that it is gone (HTTP 410)'
          : `${dead} deliveries in a row were given up`;
      await db
        .updateTable('webhooks')
        .set({ dead_in_row: dead, ...(!posted.ok && isOver && { state: 'disabled' as const, reason }) })
        .where('id', '=', webhook)
        .execute();
    });
  }

  async #clean(): Promise<void> {
    if (this.#cleaned !== 0 && performance.now() - this.#cleaned < CLEAN_MS) return;
    this.#cleaned = performance.now();
    await this.#options.store.transact(async tx => {
      for (const state of ['delivered', 'dead'] as const)
        await webhookTables(tx.db)
          .deleteFrom('webhook_deliveries')
          .where('state', '=', state)
          .where('updated', '<', tx.now - KEEP_MS[state])
          .execute();
    });
  }
}
