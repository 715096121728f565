import type { Client } from '../../../client/client.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import { traceOf } from '../../../message/carried/trace.ts';
import type { Parameters } from '../../../message/message.ts';
import type { Context } from '../../context.ts';
import { LABEL_OPTION, parseLabels } from '../../input/labels.ts';
import { parsePairs } from '../../input/pairs.ts';
import { readParameters } from '../../input/parameter-files.ts';
import { follow } from '../../live/follow.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import { explainFlow, textParameters } from './flow-texts.ts';
import { WAIT_STATUSES } from './wait.ts';

interface RunOptions {
  readonly param?: readonly string[];
  readonly params?: string;
  readonly from?: string;
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly key?: string;
  readonly label?: readonly string[];
}

/** Submits a message, or one for each line of a file. */
export const verb = defineVerb<RunOptions>({
  examples: [
    ['coax run create_vm cpu=2 mem=4096 --wait', 'submit it and look on until it ends'],
    ['coax run create_vm --params vm.yaml name=web-3', 'parameters from a file, some changed'],
    ['coax run create_vm cpu=2 mem=4096 --label env=prod', 'with a label to find it by'],
    ['coax run create_vm --from vms.jsonl --wait -o json', 'one message a line, thousands a second'],
    [
      'id=$(coax run create_vm cpu=1 mem=512 --key order-17)',
      'prints the msgid; the key makes it safe to repeat',
    ],
  ],
  details: [
    'A value that is JSON (2, true, ["a"]) is that value, unless the flow wants text there; all else is text. `name:=JSON` is always JSON; `name=@FILE` is the content of a file.',
    'With --from, a file is first read to its end and nothing is submitted if a line is not a JSON object; standard input is taken as it comes. Messages are submitted 1,000 at a time: of a batch with a line that the flow refuses nothing is accepted, and the error says which line it was and how many were accepted before it. With --key, line N has the key KEY-N, so the same command can be given again.',
    'With TRACEPARENT (and TRACESTATE) in the environment, the message carries that trace, and its steps are spans of it.',
  ],
  args: [
    { name: '<flow>', about: 'Name of the flow', completes: 'flow' },
    { name: '[pairs...]', about: 'Parameters: name=value' },
  ],
  options: [
    { flags: '-p, --param <name=value>', about: 'A parameter, as above', repeats: true },
    {
      flags: '--params <file>',
      about: 'Parameters from a JSON or YAML file; - is standard input',
      completes: 'file',
    },
    {
      flags: '--from <file>',
      about: 'One message for each line (a JSON object) of a file; - is standard input',
      completes: 'file',
    },
    { flags: '-w, --wait', about: 'Wait until it is done, rolled back or parked' },
    {
      flags: '--timeout <time>',
      about: 'With --wait: stop waiting after so long (30s, 5m); the message goes on',
      parse: lengthOfTime,
    },
    LABEL_OPTION,
    { flags: '--key <key>', about: 'Idempotency key: the same key never makes a second message' },
  ],
  statuses: WAIT_STATUSES,
  async run(context, [flow = '', ...pairs], options) {
    if (options.from !== undefined && options.params !== undefined) {
      throw new CoaxError('COAX_USAGE', '--from and --params do not go together', {
        hint: 'Give common values as name=value.',
      });
    }
    const client = await context.client();
    const words = [...pairs, ...(options.param ?? [])];
    const given = parsePairs(words, await textParameters(client, flow, words));
    if (options.from !== undefined) {
      const { runMany } = await import('./run-many.ts');
      const labels = parseLabels(options.label);
      return runMany(context, client, { flow, common: given, from: options.from, ...options, labels });
    }
    const parameters = {
      ...(options.params === undefined ? {} : await readParameters(options.params)),
      ...given,
    };
    return submitOne(context, client, flow, parameters, options);
  },
});

async function submitOne(
  context: Context,
  client: Client,
  flow: string,
  parameters: Parameters,
  options: RunOptions,
) {
  const message = await client
    .submit(
      { flow, parameters, labels: parseLabels(options.label) },
      {
        trace: traceOf(process.env.TRACEPARENT, process.env.TRACESTATE),
        ...(options.key && { key: options.key }),
      },
    )
    .catch(error => explainFlow(client, flow, error));
  if (options.wait) {
    return follow(
      client,
      message.msgid,
      context.out,
      options.timeout === undefined ? {} : { timeoutMs: options.timeout },
    );
  }
  await context.out.object(message, String(message.msgid), () => context.out.line(String(message.msgid)));
  context.out.hint(`accepted; coax wait ${message.msgid}`);
  return 0;
}
