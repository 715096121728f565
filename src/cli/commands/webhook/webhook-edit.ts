import type { WebhookEdit } from '../../../api/webhook/webhook.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { defineVerb } from '../../verb.ts';
import { needsChange, ON, printWebhook } from './webhook-table.ts';

interface EditOptions {
  readonly url?: string;
  readonly on?: NonNullable<WebhookEdit['events']>;
  readonly flow?: string;
  readonly enable?: boolean;
  readonly disable?: boolean;
}

/** Changes a webhook. */
export const verb = defineVerb<EditOptions>({
  examples: [
    ['coax webhook edit wh_1f0a9c3b5d7e2468 --on done,parked', 'other events from now on'],
    ['coax webhook edit wh_1f0a9c3b5d7e2468 --enable', 'active again, after its receiver was mended'],
  ],
  details: ['While a webhook is disabled, what happens waits; enabled, it gets all of it.'],
  args: [{ name: '<webhook>', about: 'Its id' }],
  options: [
    { flags: '--url <url>', about: 'Where events are sent' },
    ON,
    { flags: '--flow <flow>', about: "Of messages of this flow alone; '' for all", completes: 'flow' },
    { flags: '--enable', about: 'Make it active' },
    { flags: '--disable', about: 'Send nothing until it is enabled' },
  ],
  async run(context, [id = ''], { url, on, flow, enable, disable }) {
    if (enable && disable) throw new CoaxError('COAX_USAGE', '--enable and --disable do not go together');
    const changes: WebhookEdit = {
      ...(url !== undefined && { url }),
      ...(on !== undefined && { events: on }),
      ...(flow !== undefined && { flow: flow === '' ? null : flow }),
      ...(enable && { state: 'active' as const }),
      ...(disable && { state: 'disabled' as const }),
    };
    needsChange(changes);
    return printWebhook(context, await (await context.client()).webhooks.edit(id, changes));
  },
});
