import { AddressGuard } from '../../webhook/address-guard.ts';
import { WebhookSender } from '../../webhook/webhook-sender.ts';
import { Webhooks } from '../../webhook/webhooks.ts';
import type { Parts } from './open-parts.ts';
import { type ProcessOptions, VERSION } from './process-options.ts';
import { reportOnce } from './report-once.ts';

/** The webhooks of the store, and what sends to them while this server lives. */
export function openWebhooks(
  opened: AsyncDisposableStack,
  { store, secrets }: Parts,
  name: string,
  { webhookAllow = [], log }: ProcessOptions,
): Webhooks {
  const guard = new AddressGuard(webhookAllow);
  const webhooks = new Webhooks(store, secrets.box, guard);
  secrets.keys.add(webhooks);
  const sender = new WebhookSender({
    store,
    webhooks,
    guard,
    name,
    agent: `Coax/${VERSION}`,
    onFault: reportOnce(log),
  });
  opened.defer(() => sender.close());
  return webhooks;
}
