import { everyPage } from '../../../client/every-page.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import {
  type DifferenceView,
  differencesOf,
  faultsOf,
  printDifferences,
  reconcile,
} from './host-reconcile.ts';

/** Compares every host that answers with the record. */
export const verb = defineVerb<{ dryRun?: boolean; timeout?: number }>({
  examples: [
    ['coax gc --dry-run', 'what differs on any host; nothing is changed'],
    ['coax gc', 'repair it; guests that nobody knows are named, not touched'],
  ],
  details: [
    'The same as `coax host reconcile HOST --apply` for each host that is up or draining: a message each, with a log. Hosts that are down or lost are passed over: their return does it.',
  ],
  options: [
    { flags: '--dry-run', about: 'Only report' },
    { flags: '--timeout <time>', about: 'Stop waiting after so long; it goes on', parse: lengthOfTime },
  ],
  statuses: [
    [0, 'compared, and repaired'],
    [1, 'a repair failed'],
    [8, 'the wait ended first'],
  ],
  async run(context, _args, { dryRun = false, timeout }) {
    const { out } = context;
    const client = await context.client();
    const { items } = await everyPage(query => client.hosts(query));
    const differences: DifferenceView[] = [];
    const faults: string[] = [];
    const passedOver: string[] = [];
    const apply = !dryRun;
    for (const { name, state } of items) {
      if (state !== 'up' && state !== 'draining') {
        passedOver.push(name);
        continue;
      }
      const message = await reconcile(client, name, { apply, unwanted: [], away: false }, timeout);
      differences.push(...differencesOf(message));
      faults.push(...faultsOf(message));
    }
    await out.object({ apply, differences, faults, passedOver }, 'gc', () =>
      printDifferences(out, differences, faults, { apply, msgid: null, what: `${items.length} hosts` }),
    );
    if (passedOver.length > 0) out.hint(`passed over, being down or lost: ${passedOver.join(' ')}`);
    return faults.length > 0 ? 1 : 0;
  },
});
