import { z } from 'zod';
import { ListQuery, PageQuery, pageOf, Time } from '../value.ts';

export const WebhookEventKind = z
  .enum(['accepted', 'failed', 'done', 'rolled_back', 'parked'])
  .meta({ id: 'WebhookEvent', description: 'What a message came to; `failed`: it turned back.' });
const Id = z.string().regex(/^wh_[0-9a-f]{16}$/, 'give the id of a webhook, wh_ and 16 hex digits');
const Url = z
  .string()
  .min(1)
  .max(2000)
  .meta({ description: 'Where events are sent.', examples: ['https://example.org/coax'] });
const Events = z
  .array(WebhookEventKind)
  .min(1)
  .max(5)
  .meta({ description: 'Which events.', examples: [['done', 'parked']] });
const Flow = z.string().min(1).max(63);

export const WebhookView = z
  .object({
    id: Id,
    project: z.string(),
    url: Url,
    events: z.array(WebhookEventKind),
    flow: Flow.nullable().meta({ description: 'Of messages of this flow alone; null: of all.' }),
    state: z.enum(['active', 'disabled']),
    reason: z.string().meta({ description: 'Why it is disabled.' }),
    actor: z.string(),
    created: Time,
  })
  .meta({ id: 'Webhook', description: 'Where events of a project are sent.' });
export type WebhookView = z.infer<typeof WebhookView>;
export const WebhookList = pageOf(WebhookView, 'WebhookList');
export type WebhookList = z.infer<typeof WebhookList>;

const Secret = z.string().meta({
  description: 'Signs the events (Standard Webhooks, whsec_ and Base64). Told once: keep it.',
});
export const WebhookMade = WebhookView.extend({ secret: Secret }).meta({
  id: 'WebhookMade',
  description: 'A webhook with its new secret.',
});
export type WebhookMade = z.infer<typeof WebhookMade>;

export const WebhookBody = z
  .strictObject({
    url: Url,
    events: Events,
    flow: Flow.optional(),
    project: z
      .string()
      .max(63)
      .optional()
      .meta({ description: 'The only project of the token, else `default`, if absent.' }),
  })
  .meta({ id: 'WebhookCreate' });
export type WebhookBody = z.input<typeof WebhookBody>;
export const WebhookEdit = z
  .strictObject({
    url: Url.optional(),
    events: Events.optional(),
    flow: Flow.nullable().optional(),
    state: z.enum(['active', 'disabled']).optional(),
  })
  .meta({ id: 'WebhookEdit', description: 'What is not given stays as it is.' });
export type WebhookEdit = z.input<typeof WebhookEdit>;

export const DeliveryView = z
  .object({
    id: z.string(),
    event: z.string().meta({ description: 'Id of the event: the header webhook-id of every attempt.' }),
    type: z.string(),
    msgid: z.int().nullable(),
    state: z
      .enum(['pending', 'delivered', 'dead'])
      .meta({ description: 'dead: given up; `retry` sends it once more.' }),
    attempts: z.int(),
    nextAt: Time.nullable().meta({ description: 'When it is sent next.' }),
    result: z.string().meta({ description: 'What came of the last attempt.' }),
    created: Time,
    updated: Time,
  })
  .meta({ id: 'WebhookDelivery', description: 'One event for one webhook.' });
export type DeliveryView = z.infer<typeof DeliveryView>;
export const DeliveryList = pageOf(DeliveryView, 'WebhookDeliveryList');
export type DeliveryList = z.infer<typeof DeliveryList>;

export const WebhookPath = z.object({ id: Id.meta({ description: 'Id of a webhook.' }) });
export const WebhooksQuery = ListQuery.extend({
  project: z.string().max(63).optional().meta({ description: 'Of this project alone.' }),
});
export const DeliveriesQuery = PageQuery.extend({
  state: z.enum(['pending', 'delivered', 'dead']).optional().meta({ description: 'Only these.' }),
});
export const RetryBody = z
  .strictObject({
    delivery: z.string().max(200).optional().meta({ description: 'Its id; all dead ones if absent.' }),
  })
  .meta({ id: 'WebhookRetry' });
export const RetryAnswer = z.object({ retried: z.int() }).meta({ id: 'WebhookRetried' });
export type RetryAnswer = z.infer<typeof RetryAnswer>;
export const TestAnswer = z.object({ delivery: z.string() }).meta({ id: 'WebhookTested' });
export type TestAnswer = z.infer<typeof TestAnswer>;
