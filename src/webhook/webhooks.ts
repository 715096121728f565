import { randomBytes } from 'node:crypto';
import { CoaxError } from '../errors/coax-error.ts';
import type { Json } from '../message/message.ts';
import type { Sealed } from '../message/secret/sealed.ts';
import { assertUnchanged, type Versions } from '../message/version/version.ts';
import type { SecretBox } from '../secret/secret-box.ts';
import { type Slice, sliced } from '../store/slice.ts';
import type { Store, StoreTx } from '../store/store.ts';
import type { AddressGuard } from './address-guard.ts';
import type { EventKind } from './message-events.ts';
import { type DeliveryRow, type WebhookRow, webhookTables } from './schema.ts';
import { noteChanged, type WebhookNews, webhookNews } from './webhook-news.ts';

/** After a rotation the old secret signs too for so long. */
const OVERLAP_MS = 24 * 3_600_000;
const SECRET_BYTES = 32;
const WEBHOOKS_MAX = 1000;

/** A webhook without its secrets. */
export interface Webhook {
  readonly id: string;
  readonly project: string;
  readonly url: string;
  readonly events: readonly EventKind[];
  /** Null: of every flow. */
  readonly flow: string | null;
  readonly state: WebhookRow['state'];
  readonly reason: string;
  readonly actor: string;
  readonly created: number;
}

interface KeptSecret {
  readonly secret: Sealed;
  /** Signs until then; null: it is the one. */
  readonly until: number | null;
}

export interface NewWebhook {
  readonly project: string;
  readonly url: string;
  readonly events: readonly EventKind[];
  readonly flow: string | null;
  readonly actor: string;
}

/** Webhooks and their deliveries, in the store. Secrets are sealed by the installation's keys. */
export class Webhooks {
  readonly #store: Store;
  readonly #box: SecretBox;
  readonly #guard: AddressGuard;
  /** Which of them change. */
  readonly news: WebhookNews;

  constructor(store: Store, box: SecretBox, guard: AddressGuard) {
    this.#store = store;
    this.#box = box;
    this.#guard = guard;
    this.news = webhookNews(store);
  }

  get #reader() {
    return webhookTables(this.#store.reader);
  }

  /** It hears of what happens from now on. The secret is told here and never again. Errors: COAX_WEBHOOK_URL. */
  async create({
    project,
    url,
    events,
    flow,
    actor,
  }: NewWebhook): Promise<{ webhook: Webhook; secret: string }> {
    this.#guard.url(url);
    const secret = newSecret();
    const secrets = this.#sealed([{ secret, until: null }]);
    const row = await this.#store.transact(async tx => {
      const db = webhookTables(tx.db);
      const { count } = await db
        .selectFrom('webhooks')
        .select(({ fn }) => fn.countAll().as('count'))
        .executeTakeFirstOrThrow();
      if (Number(count) >= WEBHOOKS_MAX)
        throw new CoaxError('COAX_RATE', `there are ${WEBHOOKS_MAX} webhooks already`, {
          hint: 'Remove some.',
        });
      const newest = await db
        .selectFrom('commits')
        .select(({ fn }) => fn.max('pos').as('pos'))
        .executeTakeFirst();
      const made: WebhookRow = {
        id: `wh_${randomBytes(8).toString('hex')}`,
        project,
        url,
        events: JSON.stringify(events),
        flow: flow ?? '',
        state: 'active',
        reason: '',
        secrets,
        dead_in_row: 0,
        position: Number(newest?.pos ?? 0),
        actor,
        created: tx.now,
        changed: 0,
      };
      await db
        .insertInto('webhook_leases')
        .values({ name: 'sender', owner: '', until: 0 })
        .onConflict(conflict => conflict.column('name').doNothing())
        .execute();
      await db.insertInto('webhooks').values(made).execute();
      return made;
    });
    return { webhook: webhookOf(row), secret };
  }

  /** `projects` absent: of all. */
  async list(projects?: readonly string[], slice?: Slice): Promise<readonly Webhook[]> {
    let query = this.#reader.selectFrom('webhooks').selectAll();
    if (projects !== undefined) query = query.where('project', 'in', [...projects, '']);
    return (await sliced(query, ['created', 'id'], slice).execute()).map(webhookOf);
  }

  async find(id: string): Promise<Webhook | null> {
    const row = await this.#reader.selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? null : webhookOf(row);
  }

  /** What is not given stays. Made active again, it gets what waits for it. Errors: COAX_WEBHOOK_URL, COAX_CHANGED. */
  async edit(
    id: string,
    { url, events, flow, state }: Partial<Pick<Webhook, 'url' | 'events' | 'flow' | 'state'>>,
    seenAs?: Versions,
  ): Promise<void> {
    if (url !== undefined) this.#guard.url(url);
    await this.#store.transact(async tx => {
      await assertSeen(tx, id, seenAs);
      await webhookTables(tx.db)
        .updateTable('webhooks')
        .set({
          ...(url !== undefined && { url }),
          ...(events !== undefined && { events: JSON.stringify(events) }),
          ...(flow !== undefined && { flow: flow ?? '' }),
          ...(state !== undefined && {
            state,
            dead_in_row: 0,
            reason: state === 'active' ? '' : 'by a person',
          }),
          id,
        })
        .where('id', '=', id)
        .execute();
      await noteChanged(webhookTables(tx.db), [id]);
    });
  }

  /** With all that waits for it. Errors: COAX_CHANGED. */
  async remove(id: string, seenAs?: Versions): Promise<void> {
    await this.#store.transact(async tx => {
      await assertSeen(tx, id, seenAs);
      const db = webhookTables(tx.db);
      await db.deleteFrom('webhook_deliveries').where('webhook', '=', id).execute();
      await db.deleteFrom('webhooks').where('id', '=', id).execute();
    });
  }

  /** A new secret; for a day the one before signs too. */
  async rotateSecret(id: string): Promise<string> {
    const secret = newSecret();
    await this.#changeSecrets(id, (kept, now) => [
      { secret, until: null },
      ...kept.filter(({ until }) => until === null).map(old => ({ ...old, until: now + OVERLAP_MS })),
    ]);
    return secret;
  }

  /** What an event is signed with now, the newest first. */
  async secretsOf(id: string, now: number): Promise<readonly string[]> {
    const row = await this.#reader
      .selectFrom('webhooks')
      .select('secrets')
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? [] : this.#opened(row.secrets, now).map(({ secret }) => secret);
  }

  /** Sends a test event at once. Returns the id of its delivery. */
  async test(id: string): Promise<string> {
    return this.#store.transact(async tx => {
      const event = `test-${randomBytes(8).toString('hex')}`;
      const body = {
        specversion: '1.0',
        id: event,
        source: '/coax',
        type: 'coax.webhook.test',
        subject: `webhooks/${id}`,
        time: new Date(tx.now).toISOString(),
        datacontenttype: 'application/json',
        data: { webhook: id },
      };
      await addDelivery(tx, {
        webhook: id,
        event,
        type: body.type,
        msgid: 0,
        body: JSON.stringify(body),
        position: 0,
      });
      await noteChanged(webhookTables(tx.db), [id]);
      return `${id}.${event}`;
    });
  }

  /** Newest first. */
  async deliveries(
    id: string,
    state: DeliveryRow['state'] | undefined,
    slice: Slice,
  ): Promise<readonly DeliveryRow[]> {
    let query = this.#reader.selectFrom('webhook_deliveries').selectAll().where('webhook', '=', id);
    if (state !== undefined) query = query.where('state', '=', state);
    const newest = (name: string) => ({ name, newestFirst: true }) as const;
    return sliced(query, [newest('created'), newest('position'), 'id'], slice).execute();
  }

  /** Sends dead deliveries once more, from the first attempt on: one, or all. Returns how many. */
  async retry(id: string, delivery?: string): Promise<number> {
    return this.#store.transact(async tx => {
      let query = webhookTables(tx.db)
        .updateTable('webhook_deliveries')
        .set({ state: 'pending', attempts: 0, next_at: tx.now, updated: tx.now })
        .where('webhook', '=', id)
        .where('state', '=', 'dead');
      if (delivery !== undefined) query = query.where('id', '=', delivery);
      const { numUpdatedRows } = await query.executeTakeFirst();
      await noteChanged(webhookTables(tx.db), [id]);
      return Number(numUpdatedRows);
    });
  }

  /** For the rotation of the installation's keys. */
  async reseal(): Promise<number> {
    const all = await this.list();
    for (const { id } of all) await this.#changeSecrets(id, kept => kept);
    return all.length;
  }

  /** How many there are, and how many of their deliveries stand how. */
  async figures(): Promise<{ active: number; disabled: number; deliveries: Record<string, number> }> {
    const hooks = await this.#reader
      .selectFrom('webhooks')
      .select(({ fn }) => ['state', fn.countAll().as('count')])
      .groupBy('state')
      .execute();
    const kept = await this.#reader
      .selectFrom('webhook_deliveries')
      .select(({ fn }) => ['state', fn.countAll().as('count')])
      .groupBy('state')
      .execute();
    const of = (state: string) => Number(hooks.find(row => row.state === state)?.count ?? 0);
    const deliveries: Record<string, number> = { pending: 0, delivered: 0, dead: 0 };
    for (const { state, count } of kept) deliveries[state] = Number(count);
    return { active: of('active'), disabled: of('disabled'), deliveries };
  }

  async sealedWith(key: string): Promise<number> {
    const { count } = await this.#reader
      .selectFrom('webhooks')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('secrets', 'like', `%"key":"${key}"%`)
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  #sealed(secrets: readonly { readonly secret: string; readonly until: number | null }[]): string {
    return JSON.stringify(secrets.map(({ secret, until }) => ({ secret: this.#box.seal(secret), until })));
  }

  #opened(text: string, now: number): { secret: string; until: number | null }[] {
    return (JSON.parse(text) as KeptSecret[])
      .filter(({ until }) => until === null || until > now)
      .map(({ secret, until }) => ({ secret: this.#box.open(secret) as Json as string, until }));
  }

  async #changeSecrets(
    id: string,
    change: (
      kept: { secret: string; until: number | null }[],
      now: number,
    ) => readonly { readonly secret: string; readonly until: number | null }[],
  ): Promise<void> {
    await this.#store.transact(async tx => {
      const db = webhookTables(tx.db);
      const row = await db.selectFrom('webhooks').select('secrets').where('id', '=', id).executeTakeFirst();
      if (row === undefined) return;
      const secrets = this.#sealed(change(this.#opened(row.secrets, tx.now), tx.now));
      await db.updateTable('webhooks').set({ secrets }).where('id', '=', id).execute();
    });
  }
}

/** A delivery that is there already stays as it is. */
export async function addDelivery(
  tx: Pick<StoreTx, 'db' | 'now'>,
  given: Pick<DeliveryRow, 'webhook' | 'event' | 'type' | 'msgid' | 'body' | 'position'>,
): Promise<void> {
  const { now } = tx;
  await webhookTables(tx.db)
    .insertInto('webhook_deliveries')
    .values({
      ...given,
      id: `${given.webhook}.${given.event}`,
      state: 'pending',
      attempts: 0,
      next_at: now,
      result: '',
      created: now,
      updated: now,
    })
    .onConflict(conflict => conflict.column('id').doNothing())
    .execute();
}

async function assertSeen({ db }: Pick<StoreTx, 'db'>, id: string, seenAs: Versions): Promise<void> {
  if (seenAs === undefined) return;
  const row = await webhookTables(db)
    .selectFrom('webhooks')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  assertUnchanged(row === undefined ? null : webhookOf(row), seenAs, `webhook ${id}`);
}

const newSecret = (): string => `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;

function webhookOf({ id, project, url, events, flow, state, reason, actor, created }: WebhookRow): Webhook {
  return {
    id,
    project,
    url,
    events: JSON.parse(events) as EventKind[],
    flow: flow === '' ? null : flow,
    state,
    reason,
    actor,
    created: Number(created),
  };
}
