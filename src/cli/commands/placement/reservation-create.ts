import { endTime } from '../../../message/carried/end-time.ts';
import { parsePairs } from '../../input/pairs.ts';
import { follow } from '../../live/follow.ts';
import { defineVerb, lengthOfTime, UsageFault } from '../../verb.ts';
import { textParameters } from '../message/flow-texts.ts';
import { WAIT_STATUSES } from '../message/wait.ts';

/** The flow whose message holds the room. */
const FLOW = 'reserve';

interface CreateOptions {
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly until?: string;
}

/** Holds room for VMs that name it. */
export const verb = defineVerb<CreateOptions>({
  examples: [
    ['coax reservation create black-friday cpu=4 mem=8192 count=20', 'twenty places of that size'],
    [
      'coax reservation create demo cpu=2 mem=4096 count=5 --until 2h',
      'for two hours from when it is held; then it goes away by itself',
    ],
    [
      'coax reservation create lab cpu=1 mem=512 labels=\'{"zone":"a"}\' --wait',
      'in one zone, and wait until it is held',
    ],
  ],
  details: [
    'A message of the flow `reserve`: all places are claimed at once, or none. A VM takes one with `coax run create_vm_reserved reservation=NAME cpu=… mem=…`, if it asks for no more than a place has, and gives it back when it is removed.',
  ],
  args: [
    { name: '<name>', about: 'Name of the reservation' },
    { name: '[pairs...]', about: 'Parameters of the flow `reserve`: cpu=4 mem=8192 count=20' },
  ],
  options: [
    {
      flags: '--until <time>',
      about: 'When it ends by itself: 2026-12-01T08:00:00Z, or 2h from now on',
      parse: moment,
    },
    { flags: '-w, --wait', about: 'Wait until it is held, or refused' },
    { flags: '--timeout <time>', about: 'With --wait: stop waiting after so long', parse: lengthOfTime },
  ],
  statuses: WAIT_STATUSES,
  async run(context, [name = '', ...pairs], { wait, timeout, until }) {
    const { out } = context;
    const client = await context.client();
    const parameters = {
      ...parsePairs(pairs, await textParameters(client, FLOW, pairs)),
      name,
      ...(until !== undefined && { until }),
    };
    const { msgid } = await client.submit({ flow: FLOW, parameters });
    if (wait) return follow(client, msgid, out, timeout === undefined ? {} : { timeoutMs: timeout });
    await out.object({ msgid, name }, String(msgid), () => out.line(String(msgid)));
    out.hint(`accepted; coax wait ${msgid}`);
    return 0;
  },
});

/** The server reads it again, by its own clock. */
function moment(text: string): string {
  if (endTime(text, Date.now()) !== null) return text;
  throw new UsageFault('expected a time such as 2026-12-01T08:00:00Z, or a length of time such as 2h or 7d');
}
