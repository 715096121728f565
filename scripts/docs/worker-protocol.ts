import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import * as channel from '../../src/api/channel.ts';
import { pageText, ROOT, table, writePage } from './page.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

const inlined = (schema: z.ZodType, io: 'input' | 'output'): Schema => {
  const made = z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' }) as Schema & {
    $defs?: Readonly<Record<string, Schema>>;
  };
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const { $ref, ...rest } = value as { $ref?: string };
    const found = $ref === undefined ? undefined : made.$defs?.[$ref.replace('#/$defs/', '')];
    return Object.fromEntries(
      Object.entries({ ...(found ?? {}), ...rest }).map(([name, member]) => [name, resolve(member)]),
    );
  };
  return resolve(made) as Schema;
};

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(value => JSON.stringify(value)).join(' or ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map(typeOf))].join(' or ');
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
  return schema.type ?? 'any';
}

function limitsOf(schema: Schema): string {
  const safe = (value: number | undefined) =>
    value !== undefined && Math.abs(value) < Number.MAX_SAFE_INTEGER;
  return [
    safe(schema.minimum) && `from ${schema.minimum}`,
    safe(schema.maximum) && `to ${schema.maximum}`,
    schema.maxItems !== undefined && `at most ${schema.maxItems}`,
    schema.pattern !== undefined && `\`${schema.pattern}\``,
    schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
    schema.description,
  ]
    .filter(text => typeof text === 'string')
    .join('; ');
}

/** A table of the members of an object; those within an object or a list of objects are named with a dot. */
function members(schema: z.ZodType, io: 'input' | 'output'): string {
  const rows: (readonly string[])[] = [];
  const walk = ({ properties = {}, required = [] }: Schema, prefix: string): void => {
    for (const [name, member] of Object.entries(properties)) {
      const needed = required.includes(name) && (io === 'output' || member.default === undefined);
      rows.push([`\`${prefix}${name}\``, typeOf(member), needed ? 'yes' : 'no', limitsOf(member)]);
      const within = member.anyOf?.find(({ type }) => type === 'object') ?? member.items ?? member;
      if (prefix.split('.').length < 3) walk(within, `${prefix}${name}.`);
    }
  };
  walk(inlined(schema, io), '');
  return table(['member', 'type', io === 'input' ? 'needed' : 'always', ''], rows);
}

const post = (verb: string, about: string, body: z.ZodType, answer: z.ZodType): string =>
  [`## POST /v1/channel/${verb}`, about, members(body, 'input'), 'Answer:', members(answer, 'output')].join(
    '\n\n',
  );

function outcomes(): string {
  const { oneOf, anyOf } = inlined(channel.OutcomeBody, 'input');
  return (oneOf ?? anyOf ?? [])
    .map(choice => {
      const kind = String(choice.properties?.kind?.const);
      const names = Object.keys(choice.properties ?? {}).filter(name => name !== 'kind');
      return `- \`${kind}\`: ${names.map(name => `\`${name}\`${choice.required?.includes(name) ? '' : ' (may be left out)'}`).join(', ')}`;
    })
    .join('\n');
}

export const page = {
  path: 'docs/reference/worker-protocol.md',
  text: () =>
    pageText(
      '# The worker protocol',
      `Version ${channel.WORKER_PROTOCOL}. Any program that speaks HTTP can be a worker: it claims messages whose step it knows, does the step, and says what it came to. What follows from that (the next step, a retry, the walk back, the commit) is the server's business. A change that breaks workers of this version gets another number and other routes; members may be added to answers, so pass over those you do not know.`,
      'Every request carries `Authorization: Bearer TOKEN`. Bodies and answers are JSON; refusals are problem+json ([errors](errors.md)). The whole API is in [openapi.json](openapi.json). Transactional modules (`resource`, `network`) are served by servers and `coax up --role worker` only.',
      [
        '1. Open the **session** and keep it open, on a connection of its own. Open it again when it breaks.',
        '2. Say **hello**, after each opening of the session.',
        '3. **Claim**, with `waitMs` as a long poll. A claim is `(msgid, fence)` and holds until `leaseUntil`.',
        '4. Do what `step` says. **Extend** before a third of the lease has passed, again and again. If the answer is `lost`, stop: another has the message. If it is `{"ask": …}`, or the session tells of an `ask`, end the step soon and finish as usual.',
        '5. **Finish**. `lost` means that nothing was written, since the claim was history. Or **release** what you did not do.',
      ].join('\n'),
      'A step may be done again: when a worker dies, when a lease ends, when an answer is lost. `step.key` is the same each time and for the undo. An undo (`mode` is `rollback`) must be safe to repeat, and safe when nothing was done. When the session breaks without the event `end`, the server gives on at once what the worker held. Answer 503 means: try again after `Retry-After`, or another server.',
      post(
        'hello',
        'Tells who the worker is and with what code it does its steps: for `coax workers`, `coax why`, and for workers of other versions, which leave to it what they do not know.',
        channel.HelloBody,
        channel.HelloAnswer,
      ),
      post(
        'claim',
        'Waits for work at these addresses, up to `waitMs`.',
        channel.ClaimBody,
        channel.ClaimAnswer,
      ),
      post(
        'extend',
        'Holds claims for longer; one answer for each, in their order: `"held"`, `"lost"`, or `{"ask": …}`.',
        channel.ExtendBody,
        channel.ExtendAnswerView,
      ),
      post(
        'reveal',
        'Opens, of the parameters in `step.secrets`, those that the step reads: for the worker that holds the claim, until it ends. Do not write them anywhere.',
        channel.RevealBody,
        channel.RevealAnswer,
      ),
      post(
        'finish',
        'Durable when answered. May be sent again when the answer was lost: `lost` then says that it is written already, or that the claim was gone.',
        channel.FinishBody,
        channel.FinishAnswerView,
      ),
      `### Outcomes\n\n${outcomes()}\n\n\`retryable\` is tried again as the plan's \`retry\` says; \`terminal\` turns the message back. An \`error\` has \`code\` and \`reason\`.`,
      post(
        'release',
        'Gives claims back without doing their steps.',
        channel.ReleaseBody,
        channel.ReleaseAnswer,
      ),
      '## GET /v1/channel/session?worker=NAME',
      'Server-sent events, held open. `open` `{worker, protocol}` comes first; `ask` `{msgid}` when a person asks something of a message that this worker holds; `end` `{reason}` before the server closes in order, which leaves the worker its claims; comments as pings every 15 s.',
      'Whoever opens a session again, here or at another server, says in the header `Coax-Claims` what became of the claims that it had: `kept` after the event `end`, and it goes on with them; `lost` after a session that broke, once their steps are stopped, and they are given on at once.',
      '## An example',
      'In the standard library of Python alone; `test/system/python-worker.test.ts` runs it, kills it and lets another take over.',
      `\`\`\`python\n${readFileSync(join(ROOT, 'examples/worker.py'), 'utf8').trimEnd()}\n\`\`\``,
    ),
};

if (import.meta.main) await writePage(page);
