import { z } from 'zod';
import type { Ask, Message } from '../message/message.ts';
import { StepErrorView } from './message.ts';
import { JsonValue, Msgid, ParametersObject, TimeMs } from './value.ts';

const Worker = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@:/-]{0,127}$/, 'give letters, digits and ._@:/-, at most 128')
  .meta({ description: 'Name of the worker, unique among living workers.', examples: ['agent-3.rack2'] });
const MODULE = /^[a-z][a-z0-9_-]{0,62}$/;
const MODULE_FORM = 'give lower-case letters, digits, _ and -, at most 63';
const Address = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}(@[A-Za-z0-9][A-Za-z0-9._-]{0,252})?$/, 'give MODULE or MODULE@HOST');
const LeaseMs = z.int().min(1000).max(3_600_000).default(30_000);

export const ClaimBody = z
  .strictObject({
    worker: Worker,
    addresses: z.array(Address).min(1).max(100),
    limit: z.int().min(1).max(1000).default(1),
    leaseMs: LeaseMs,
    waitMs: z.int().min(0).max(60_000).default(0),
  })
  .meta({ id: 'ClaimRequest', description: 'Asks for work at these addresses.' });
export type ClaimBody = z.input<typeof ClaimBody>;

export const ClaimRefView = z.strictObject({ msgid: Msgid, fence: z.int().min(0) }).meta({ id: 'ClaimRef' });

/** The whole message as the server holds it: a worker needs its plan, trail and parameters. */
const RawMessage = z.unknown().meta({
  id: 'RawMessage',
  description: 'The message as the store holds it; times are milliseconds since 1970.',
}) as unknown as z.ZodType<Message, Message>;

export const ClaimView = z
  .object({
    msgid: Msgid,
    fence: z.int(),
    leaseUntil: TimeMs,
    step: z
      .object({
        index: z.int(),
        module: z.string(),
        action: z.string(),
        mode: z.enum(['normal', 'rollback']),
        attempt: z.int().meta({ description: '1 for the first attempt.' }),
        key: z.string().meta({ description: 'Idempotency key `msgid.step`.' }),
        host: z.string().nullable(),
        timeoutMs: z.number(),
        parameters: ParametersObject,
        output: ParametersObject.meta({ description: 'When undoing: what the step had set.' }),
        secrets: z.array(z.string()).meta({
          description: 'Parameters left out here since they are secrets: /v1/channel/reveal opens them.',
        }),
        traceparent: z
          .string()
          .nullable()
          .meta({ description: 'Trace context (W3C) to hand on; null when there is none.' }),
        tracestate: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'All that a step may know; null for a group.' }),
    message: RawMessage,
  })
  .meta({ id: 'Claim', description: 'A message whose step this worker may do until `leaseUntil`.' });
export type ClaimView = z.infer<typeof ClaimView>;
export const ClaimAnswer = z.object({ items: z.array(ClaimView) }).meta({ id: 'ClaimAnswer' });
export type ClaimAnswer = z.infer<typeof ClaimAnswer>;

export const ExtendBody = z
  .strictObject({ claims: z.array(ClaimRefView).min(1).max(1000), leaseMs: LeaseMs })
  .meta({ id: 'ExtendRequest' });
export type ExtendBody = z.input<typeof ExtendBody>;
/** A whole decision, as the server holds it. */
const AskView = z
  .looseObject({ kind: z.enum(['cancel', 'rewind']), actor: z.string(), reason: z.string() })
  .meta({
    id: 'Ask',
    description: 'What a person asked for: end the step soon, then finish as usual.',
  }) as unknown as z.ZodType<Ask, Ask>;
export const ExtendItem = z.union([z.literal('held'), z.literal('lost'), z.object({ ask: AskView })]);
export const ExtendAnswerView = z.object({ items: z.array(ExtendItem) }).meta({ id: 'ExtendAnswer' });
export type ExtendAnswerView = z.infer<typeof ExtendAnswerView>;

export const OutcomeBody = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('ok'),
      set: ParametersObject,
      log: z.string().max(65_536).optional(),
      detail: JsonValue.optional(),
    }),
    z.strictObject({
      kind: z.literal('retryable'),
      error: StepErrorView,
      retryAfterMs: z.number().min(0).optional(),
    }),
    z.strictObject({ kind: z.literal('terminal'), error: StepErrorView }),
  ])
  .meta({ id: 'Outcome', description: 'What doing or undoing a step came to.' });
export type OutcomeBody = z.input<typeof OutcomeBody>;

export const FinishBody = z
  .strictObject({
    worker: Worker.optional().meta({ description: 'If given, must be the worker that holds the claim.' }),
    msgid: Msgid,
    fence: z.int().min(0),
    outcome: OutcomeBody,
    secret: z
      .array(z.array(z.string().max(128)).min(1).max(32))
      .max(1000)
      .optional()
      .meta({
        description:
          'Paths of the values in `set` that are secrets, as in [["password"], ["user", "key"]]: only their ciphertext is kept.',
      }),
    code: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'give a SHA-256, 64 hex digits')
      .nullable()
      .default(null)
      .meta({ description: 'SHA-256 of the code that ran.' }),
    started: TimeMs,
    finished: TimeMs,
    keepAt: z
      .array(Address)
      .max(100)
      .optional()
      .meta({ description: 'Keep the message if its next step has one of these addresses.' }),
  })
  .meta({ id: 'FinishRequest' });
export type FinishBody = z.input<typeof FinishBody>;
export const FinishAnswerView = z
  .union([
    z.object({ kind: z.literal('written'), message: RawMessage, claim: ClaimView.nullable() }),
    z.object({ kind: z.literal('lost') }),
  ])
  .meta({ id: 'FinishAnswer' });
export type FinishAnswerView = z.infer<typeof FinishAnswerView>;

export const RevealBody = z
  .strictObject({
    worker: Worker.meta({ description: 'The worker that holds the claim.' }),
    msgid: Msgid,
    fence: z.int().min(0),
    names: z
      .array(z.string().max(128))
      .max(1000)
      .meta({ description: 'Parameters that the step reads; only these are opened.' }),
  })
  .meta({ id: 'RevealRequest' });
export type RevealBody = z.input<typeof RevealBody>;
export const RevealAnswer = z
  .union([
    z.object({
      kind: z.literal('open'),
      parameters: ParametersObject.meta({
        description: 'Of these names, those that are secrets or hold some.',
      }),
      output: ParametersObject.meta({ description: 'When undoing: what the step had set.' }),
    }),
    z.object({ kind: z.literal('lost') }),
  ])
  .meta({ id: 'RevealAnswer', description: 'Secrets in the clear, for the step alone.' });
export type RevealAnswer = z.infer<typeof RevealAnswer>;

export const ReleaseBody = z
  .strictObject({
    claims: z.array(ClaimRefView).min(1).max(1000),
    begun: z.boolean().default(true).meta({ description: 'Whether the steps may have done something.' }),
    afterMs: z
      .int()
      .min(0)
      .max(60_000)
      .default(0)
      .meta({ description: 'Nobody may claim them for so long.' }),
  })
  .meta({ id: 'ReleaseRequest' });
export type ReleaseBody = z.input<typeof ReleaseBody>;
export const ReleaseAnswer = z.object({ ok: z.literal(true) }).meta({ id: 'ReleaseAnswer' });

/** Version of the worker protocol. One that breaks workers of this one gets another number, and other routes. */
export const WORKER_PROTOCOL = 1;
export const HelloBody = z
  .strictObject({
    protocol: z.literal(WORKER_PROTOCOL).meta({ description: 'Version of the protocol that it speaks.' }),
    worker: Worker,
    host: z.string().max(253).optional(),
    pid: z.int().min(1).optional(),
    version: z.string().max(64).optional(),
    modules: z
      .record(
        z.string().regex(MODULE, MODULE_FORM),
        z.record(
          z.string().regex(MODULE, MODULE_FORM),
          z.string().regex(/^[0-9a-f]{64}$/, 'give a SHA-256, 64 hex digits'),
        ),
      )
      .default({})
      .meta({ description: 'Module, action, and SHA-256 of the code that does it.' }),
  })
  .meta({ id: 'Hello', description: 'What a worker tells of itself, for `coax workers` and `coax why`.' });
export type HelloBody = z.output<typeof HelloBody>;
export const HelloAnswer = z
  .object({ protocol: z.literal(WORKER_PROTOCOL), server: z.string(), version: z.string() })
  .meta({ id: 'HelloAnswer' });
export type HelloAnswer = z.infer<typeof HelloAnswer>;

export const SessionQuery = z.strictObject({ worker: Worker });
/** Header by which a worker that opens its session again says what became of its claims. */
export const SESSION_CLAIMS = 'coax-claims';
/** `kept`: the session before ended in order, and it goes on with them; `lost`: it broke, and the worker has stopped their steps. */
export type SessionClaims = 'kept' | 'lost';
/** What the event `ask` of /v1/channel/session carries. */
export const AskEventView = z.object({ msgid: Msgid }).meta({
  id: 'AskEvent',
  description: 'A person asked something of a message that this worker holds: end its step soon.',
});
export type AskEventView = z.infer<typeof AskEventView>;
