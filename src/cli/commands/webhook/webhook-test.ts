import { CoaxError } from '../../../errors/coax-error.ts';
import { cell } from '../../output/output.ts';
import { defineVerb } from '../../verb.ts';

const LOOK_MS = 200;
const WITHIN_MS = 20_000;

/** Sends a test event and says what came of it. */
export const verb = defineVerb({
  examples: [
    ['coax webhook test wh_1f0a9c3b5d7e2468', 'does the receiver take it?'],
    ['coax webhook test wh_1f0a9c3b5d7e2468 && echo fine', 'in a script'],
  ],
  details: ['It is an event of type coax.webhook.test, signed and sent like any other.'],
  args: [{ name: '<webhook>', about: 'Its id' }],
  statuses: [
    [0, 'the receiver took it'],
    [8, 'not tried, or no answer, within 20 s'],
    [1, 'the receiver did not take it'],
  ],
  async run(context, [id = '']) {
    const { out } = context;
    const { webhooks } = await context.client();
    const { delivery } = await webhooks.test(id);
    const until = Date.now() + WITHIN_MS;
    for (;;) {
      const found = (await webhooks.deliveries(id, { limit: 1000 })).items.find(item => item.id === delivery);
      if (found !== undefined && found.attempts > 0) {
        await out.object(found, found.id, () => out.line(`${found.state}: ${cell(found.result)}`));
        return found.state === 'delivered' ? 0 : 1;
      }
      if (Date.now() > until)
        throw new CoaxError('COAX_WAIT_TIMEOUT', 'it was not sent within 20 s', {
          where: id,
          hint: '`coax webhook show` says whether it is disabled, `coax webhook deliveries` what came of it later.',
        });
      await new Promise(done => setTimeout(done, LOOK_MS));
    }
  },
});
