import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageView } from '../../../api/message.ts';
import type { RolloutView } from '../../../api/package/rollout.ts';
import { type Client, isRestingStatus } from '../../../client/client.ts';
import { CoaxError, isCoaxError } from '../../../errors/coax-error.ts';
import type { Output } from '../../output/output.ts';
import { defineVerb, UsageFault, wholeNumber } from '../../verb.ts';
import { printRollout, rolloutLine } from './rollout-text.ts';

const LOOK_MS = 500;

interface Options {
  readonly on: string;
  readonly canary: string;
  readonly waves?: readonly string[];
  readonly budget: string;
  readonly pauseAfter?: readonly string[];
  readonly atOnce?: number;
  readonly wait?: boolean;
}

/** Brings a package to many hosts. */
export const verb = defineVerb<Options>({
  examples: [
    [
      'coax package rollout web@1.4.0 --on zone=a --canary 2 --waves 10%,50%,100% --budget 5% --pause-after canary --wait',
      'two hosts, then a person, then the rest in three waves',
    ],
    ['coax package rollout web@1.4.0 --on all', 'one host first, then the waves that are usual'],
    [
      'coax package rollout web@1.4.0 --on h1,h2,h3 --canary h2',
      'hosts by name, and which of them comes first',
    ],
  ],
  details: [
    'A host fails when the package cannot be fetched, or its hooks or health check fail after the switch; it is then switched back by itself. When more hosts fail than --budget allows, every host that was switched is switched back, and the rollout ends rolled back.',
    'Hosts that are not up when it begins are left out and named. `coax cancel` turns a rollout back at any time; `coax revert` does it when it is done.',
  ],
  args: [{ name: '<package>', about: 'NAME@VERSION' }],
  options: [
    {
      flags: '--on <hosts>',
      about: 'all, names with commas, or a selector of labels as zone=a',
      required: true,
    },
    {
      flags: '--canary <hosts>',
      about: 'Hosts that come first: a number, a share as 1%, or names with commas; 0 for none',
      default: '1',
    },
    {
      flags: '--waves <list>',
      about: 'How far each wave goes, in hosts or as a share of all (default 10%,50%,100%)',
      parse: words,
    },
    { flags: '--budget <hosts>', about: 'So many hosts may fail, or such a share of them', default: '0' },
    {
      flags: '--pause-after <waves>',
      about: 'After these waves a person must approve: canary, 10% … or each',
      parse: words,
    },
    { flags: '--at-once <n>', about: 'Hosts under way at one time (default 128)', parse: wholeNumber(8) },
    { flags: '-w, --wait', about: 'Show how far it is until it ends' },
  ],
  statuses: [
    [1, 'with --wait: rolled back'],
    [9, 'with --wait: parked'],
  ],
  async run({ out, client }, [given = ''], { wait = false, ...options }) {
    const [name = '', version = ''] = given.split('@');
    if (name === '' || version === '')
      throw new CoaxError('COAX_USAGE', 'a rollout is of one version', {
        where: given,
        hint: 'NAME@VERSION, as web@1.4.0; `coax package ls` lists them.',
      });
    const calls = await client();
    const message = await calls.submit({
      flow: 'rollout_package',
      parameters: {
        package: name,
        version,
        on: options.on,
        canary: options.canary,
        budget: options.budget,
        ...(options.waves && { waves: [...options.waves] }),
        ...(options.pauseAfter && { pause_after: [...options.pauseAfter] }),
        ...(options.atOnce !== undefined && { at_once: options.atOnce }),
      },
    });
    if (!wait) {
      await out.object(message, String(message.msgid), () => out.line(String(message.msgid)));
      out.hint(`coax rollout show ${message.msgid}`);
      return 0;
    }
    const ended = await followRollout(calls, message.msgid, out);
    const view = await progressOf(calls, message.msgid);
    await out.object(view ?? ended, String(message.msgid), () => {
      if (view !== null) printRollout(out, view);
      if (ended.error !== null) out.line(`${ended.status}: ${ended.error.reason}`);
    });
    return ended.status === 'done' ? 0 : ended.status === 'parked' ? 9 : 1;
  },
});

/** Says how far it is whenever that has changed, until the message rests. */
async function followRollout(calls: Client, msgid: number, out: Output): Promise<MessageView> {
  const began = performance.now();
  for (let said = ''; ; ) {
    const message = await calls.message(msgid);
    const view = await progressOf(calls, msgid);
    const line = view === null ? '' : rolloutLine(view);
    if (line !== said) out.hint(`${((performance.now() - began) / 1000).toFixed(1)}s  ${line}`);
    said = line;
    if (isRestingStatus(message.status)) return message;
    await sleep(LOOK_MS);
  }
}

async function progressOf(calls: Client, msgid: number): Promise<RolloutView | null> {
  try {
    return await calls.packages.rollout(msgid);
  } catch (error) {
    if (isCoaxError(error, 'COAX_NOT_FOUND')) return null;
    throw error;
  }
}

function words(text: string): string[] {
  const list = text.split(',').map(word => word.trim());
  if (list.some(word => word === '')) throw new UsageFault('expected a list with commas, as 10%,50%,100%');
  return list;
}
