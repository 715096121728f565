import type { Kysely } from 'kysely';

/**
 * Webhooks, and what is to be sent to them. `webhooks.position`: commits up to there (their place in the store) have been looked at.
 * `webhook_deliveries.id` names one event for one webhook, so that an event that is looked at again makes no second delivery.
 * `webhooks.changed` counts up with each change of it or of its deliveries. `webhook_leases`: the one server that sends. Times are milliseconds since 1970, by the store's clock.
 */
export const webhookSchema = [
  {
    id: 'webhook-0001',
    sql: [
      `CREATE TABLE webhooks (
        id text PRIMARY KEY,
        project text NOT NULL,
        url text NOT NULL,
        events text NOT NULL,
        flow text NOT NULL,
        state text NOT NULL,
        reason text NOT NULL,
        secrets text NOT NULL,
        dead_in_row bigint NOT NULL,
        position bigint NOT NULL,
        actor text NOT NULL,
        created bigint NOT NULL)`,
      `CREATE TABLE webhook_deliveries (
        id text PRIMARY KEY,
        webhook text NOT NULL,
        event text NOT NULL,
        type text NOT NULL,
        msgid bigint NOT NULL,
        body text NOT NULL,
        state text NOT NULL,
        attempts bigint NOT NULL,
        next_at bigint NOT NULL,
        result text NOT NULL,
        position bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL)`,
      'CREATE INDEX webhook_deliveries_state ON webhook_deliveries (state, webhook, position)',
      'CREATE TABLE webhook_leases (name text PRIMARY KEY, owner text NOT NULL, until bigint NOT NULL)',
    ],
  },
  {
    id: 'webhook-0002',
    sql: ['ALTER TABLE webhooks ADD COLUMN changed bigint NOT NULL DEFAULT 0'],
  },
] as const;

export interface WebhookRow {
  id: string;
  project: string;
  url: string;
  /** JSON list of event kinds. */
  events: string;
  /** Empty: of every flow. */
  flow: string;
  state: 'active' | 'disabled';
  /** Why it is disabled. */
  reason: string;
  /** JSON list of {secret: sealed, until: ms or null}, the newest first. */
  secrets: string;
  dead_in_row: number;
  position: number;
  actor: string;
  created: number;
  changed: number;
}

export interface DeliveryRow {
  id: string;
  webhook: string;
  /** Id of the event, the same for every attempt: the header webhook-id. */
  event: string;
  type: string;
  /** 0: of no message. */
  msgid: number;
  /** The CloudEvent as JSON, sent as it is. */
  body: string;
  state: 'pending' | 'delivered' | 'dead';
  attempts: number;
  next_at: number;
  /** What came of the last attempt. */
  result: string;
  /** Place in the store of the commit that it tells of. */
  position: number;
  created: number;
  updated: number;
}

interface WebhookTables {
  webhooks: WebhookRow;
  webhook_deliveries: DeliveryRow;
  webhook_leases: { name: string; owner: string; until: number };
  commits: { pos: number; msgid: number; seq: number; id: string; body: string };
}

/** The same connection, typed for these tables. */
// biome-ignore lint/suspicious/noExplicitAny: the store does not know these tables
export const webhookTables = (db: Kysely<any>): Kysely<WebhookTables> => db as Kysely<WebhookTables>;
