import type { DeliveryView, WebhookMade, WebhookView } from '../../../api/webhook/webhook.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { cell, type Output } from '../../output/output.ts';
import type { Column } from '../../output/table.ts';
import { UsageFault } from '../../verb.ts';

type Kind = WebhookView['events'][number];
const KINDS: readonly Kind[] = ['accepted', 'failed', 'done', 'rolled_back', 'parked'];

export const ON = {
  flags: '--on <events>',
  about: `Which events: ${KINDS.join(', ')}; several with commas`,
  parse: eventKinds,
} as const;

/** Reads `done,parked`. */
function eventKinds(text: string): Kind[] {
  const words = text.split(',').map(word => word.trim());
  const wrong = words.find(word => !KINDS.includes(word as Kind));
  if (wrong !== undefined) throw new UsageFault(`"${wrong}" is no event; these are: ${KINDS.join(', ')}`);
  return [...new Set(words)] as Kind[];
}

export function webhookColumns(out: Output): readonly Column<WebhookView>[] {
  return [
    { head: 'WEBHOOK', cell: webhook => webhook.id },
    { head: 'PROJECT', cell: webhook => webhook.project },
    { head: 'ON', cell: webhook => webhook.events.join(',') },
    { head: 'FLOW', cell: webhook => cell(webhook.flow ?? 'all') },
    {
      head: 'STATE',
      cell: webhook => (webhook.state === 'active' ? 'active' : out.style('red', 'disabled')),
    },
    { head: 'URL', cell: webhook => cell(webhook.url) },
  ];
}

export function deliveryColumns(out: Output): readonly Column<DeliveryView>[] {
  return [
    { head: 'DELIVERY', cell: delivery => cell(delivery.id) },
    { head: 'MSGID', cell: delivery => String(delivery.msgid ?? '') },
    { head: 'TYPE', cell: delivery => delivery.type.replace('coax.', '') },
    { head: 'STATE', cell: ({ state }) => (state === 'dead' ? out.style('red', state) : state) },
    { head: 'ATTEMPTS', cell: delivery => String(delivery.attempts) },
    {
      head: out.timeHead('NEXT', 'NEXT'),
      cell: delivery => (delivery.nextAt === null ? '' : delivery.nextAt),
    },
    { head: 'RESULT', cell: delivery => cell(delivery.result) },
  ];
}

export async function printWebhook({ out }: Context, webhook: WebhookView | WebhookMade): Promise<number> {
  await out.object(webhook, webhook.id, () => {
    out.fields([
      ['webhook', webhook.id],
      ['url', cell(webhook.url)],
      ['project', webhook.project],
      ['on', webhook.events.join(', ')],
      ['flow', cell(webhook.flow ?? 'all')],
      ['state', webhook.state],
      ['reason', cell(webhook.reason)],
      ['made by', cell(webhook.actor)],
      ['secret', 'secret' in webhook ? webhook.secret : null],
    ]);
    if ('secret' in webhook) out.hint('the secret is not shown again: give it to the receiver now');
  });
  return 0;
}

/** Refuses a change of nothing. */
export function needsChange(changes: object): void {
  if (Object.keys(changes).length > 0) return;
  throw new CoaxError('COAX_USAGE', 'nothing is to be changed', {
    hint: 'Give --url, --on, --flow, --disable or --enable.',
  });
}
