import type { WebhookBody } from '../../../api/webhook/webhook.ts';
import { defineVerb } from '../../verb.ts';
import { ON, printWebhook } from './webhook-table.ts';

/** Sends events of a project to a URL. */
export const verb = defineVerb<{ on: WebhookBody['events']; flow?: string }>({
  examples: [
    ['coax webhook create https://example.org/coax --on parked,rolled_back', 'hear of what went wrong'],
    [
      'coax webhook create https://example.org/vms --on done --flow create_vm --project web',
      'of one flow in one project',
    ],
  ],
  details: [
    'Each event is a CloudEvent 1.0 as JSON, signed as Standard Webhooks says (headers webhook-id, webhook-timestamp, webhook-signature). An answer 2xx within 15 s takes it; else it is sent again, ten times in three days, and then given up. Events of one message come in order. One may come twice, with the same webhook-id.',
    'Only addresses of the public internet are sent to, and redirects are not followed; `coax up --webhook-allow NETWORK` allows others.',
  ],
  args: [{ name: '<url>', about: 'http or https' }],
  options: [
    { ...ON, required: true },
    { flags: '--flow <flow>', about: 'Of messages of this flow alone', completes: 'flow' },
  ],
  async run(context, [url = ''], { on, flow }) {
    const client = await context.client();
    return printWebhook(
      context,
      await client.webhooks.create({ url, events: on, ...(flow !== undefined && { flow }) }),
    );
  },
});
