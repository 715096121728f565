import { z } from 'zod';
import { PROJECT_NAME, PROJECT_NAME_FORM } from '../message/limits.ts';
import { STATUSES } from '../message/message.ts';
import { RESOLUTIONS } from '../message/outcome.ts';
import { Problem } from './problem.ts';
import {
  CommitId,
  JsonValue,
  LabelsObject,
  ListQuery,
  listOf,
  Msgid,
  PageQuery,
  ParametersObject,
  pageOf,
  Reason,
  SelectorText,
  Time,
  WaitSeconds,
} from './value.ts';

export const StatusName = z
  .enum(STATUSES as [(typeof STATUSES)[number], ...(typeof STATUSES)[number][]])
  .meta({ id: 'Status', description: 'Where a message stands, for people.' });
export const ModeName = z.enum(['normal', 'rollback']).meta({ id: 'Mode' });
export const CauseName = z
  .enum(['failed', 'cancelled', 'deadline', 'reverted'])
  .meta({ id: 'Cause', description: 'Why a message is (being) rolled back.' });

export const StepErrorView = z
  .object({
    code: z.string(),
    reason: z.string(),
    detail: JsonValue.optional(),
    log: z.string().optional().meta({ description: 'The tail of what the step wrote.' }),
    begun: z
      .literal(false)
      .optional()
      .meta({ description: 'The step never began, so there is nothing to undo. Absent when it may have.' }),
  })
  .meta({ id: 'StepError', description: 'Why a step failed.' });
export type StepErrorView = z.infer<typeof StepErrorView>;

export const StepState = z.enum(['done', 'current', 'pending', 'undone', 'undoing']).meta({
  id: 'StepState',
  description:
    'done: did its work. current: the cursor is here. pending: not yet reached. undoing: the cursor is here, walking back. undone: walked back past.',
});
export type StepState = z.infer<typeof StepState>;

const PartlyView = z
  .object({
    failed: z.int().meta({ description: 'Branches that failed and were rolled back.' }),
    of: z.int().meta({ description: 'Branches in all.' }),
    tolerated: z.int().meta({ description: 'How many might have failed.' }),
  })
  .meta({ id: 'Partly', description: 'How a group was done although branches failed.' });

export const PlanStepView = z
  .object({
    index: z.int(),
    step: z
      .string()
      .meta({ description: '`module action`, `all` or `each`.', examples: ['network alloc_ip'] }),
    state: StepState,
    at: z.string().nullable().meta({ description: 'Parameter that holds the host which must do it.' }),
    set: ParametersObject.meta({ description: 'What it set; empty if it has not finished, or was undone.' }),
    partly: PartlyView.nullable().meta({
      description: 'Of a group that is done: the branches that failed and were tolerated; null if none did.',
    }),
    code: z.string().nullable().meta({ description: 'SHA-256 of its code when the message was accepted.' }),
    codeNow: z
      .string()
      .nullable()
      .meta({ description: 'SHA-256 of its code here and now; null if not known here.' }),
    codeChanged: z.boolean(),
  })
  .meta({ id: 'PlanStep', description: "One step of a message's plan." });
export type PlanStepView = z.infer<typeof PlanStepView>;

export const MessageView = z
  .object({
    msgid: Msgid,
    flow: z.string(),
    project: z.string().meta({ description: 'Whose it is.' }),
    status: StatusName,
    waitingFor: z.string().nullable(),
    mode: ModeName,
    cursor: z
      .int()
      .meta({ description: 'Index of the step to do or undo; number of steps = done, -1 = rolled back.' }),
    cause: CauseName.nullable(),
    rewindTo: z
      .int()
      .nullable()
      .meta({ description: 'The walk back stops before this step and goes forward again.' }),
    parameters: ParametersObject,
    steps: z.array(PlanStepView),
    attempt: z.int().meta({ description: 'Attempts of the step at the cursor that have failed so far.' }),
    notBefore: Time.nullable().meta({ description: 'End of the backoff, while one lasts.' }),
    error: StepErrorView.nullable().meta({ description: 'What turned the mode to rollback.' }),
    undoError: StepErrorView.nullable().meta({ description: 'What parked the message.' }),
    ask: z
      .object({ kind: z.enum(['cancel', 'rewind']), actor: z.string(), reason: z.string() })
      .nullable()
      .meta({ description: 'What a person asked for while its step ran; obeyed when the step ends.' }),
    parent: z.object({ msgid: Msgid, step: z.int(), branch: z.int() }).nullable(),
    children: z.array(Msgid),
    worker: z.string().nullable().meta({ description: 'Who does its step now.' }),
    seq: z.int().meta({ description: 'Number of its newest commit; the first is 0.' }),
    head: CommitId.meta({ description: 'Its newest commit.' }),
    actor: z.string(),
    labels: LabelsObject,
    traceparent: z
      .string()
      .nullable()
      .meta({ description: 'The trace (W3C) whose spans its steps are; null when it came with none.' }),
    created: Time,
    updated: Time,
    simulated: z.boolean().meta({ description: 'The hypervisor is simulated: nothing real runs.' }),
  })
  .meta({ id: 'Message', description: 'One request under way, or ended.' });
export type MessageView = z.infer<typeof MessageView>;

export const MessagePage = pageOf(MessageView, 'MessagePage');
export type MessagePage = z.infer<typeof MessagePage>;

/** A message without its plan and parameters: for event streams. */
export const MessageLite = z
  .object({
    msgid: Msgid,
    flow: z.string(),
    project: z.string(),
    status: StatusName,
    waitingFor: z.string().nullable(),
    mode: ModeName,
    cursor: z.int(),
    steps: z.int().meta({ description: 'How many steps the plan has.' }),
    step: z.string().nullable().meta({ description: 'The step at the cursor.' }),
    cause: CauseName.nullable(),
    attempt: z.int(),
    error: StepErrorView.nullable(),
    undoError: StepErrorView.nullable(),
    parent: Msgid.nullable(),
    worker: z.string().nullable(),
    labels: LabelsObject,
    seq: z.int(),
    head: CommitId,
    updated: Time,
  })
  .meta({ id: 'MessageLite', description: 'A message without its plan and parameters.' });
export type MessageLite = z.infer<typeof MessageLite>;

const Key = z.string().min(1).max(255).meta({
  description: 'Idempotency key: the same key and body give the same message again, another body is refused.',
});

const SubmitProject = z.string().regex(PROJECT_NAME, PROJECT_NAME_FORM).optional().meta({
  description: 'Whose it is; the only project in which the token may submit, else `default`, if absent.',
});

export const SubmitFlow = z
  .strictObject({
    flow: z
      .string()
      .min(1)
      .max(63)
      .meta({ examples: ['create_vm'] }),
    parameters: ParametersObject.optional(),
    project: SubmitProject,
    labels: LabelsObject.optional(),
    key: Key.optional(),
  })
  .meta({
    id: 'SubmitFlow',
    description: 'A message from a named flow.',
    examples: [{ flow: 'create_vm', parameters: { cpu: 2, mem: 4096 } }],
  });
export type SubmitFlow = z.input<typeof SubmitFlow>;

export const SubmitPlan = z
  .strictObject({
    plan: z
      .object({ steps: z.array(z.unknown()).min(1) })
      .meta({ description: 'The plan itself: steps as in a flow file.' }),
    name: z.string().min(1).max(63).optional().meta({ description: 'Shown as its flow; `plan` if absent.' }),
    parameters: ParametersObject.optional(),
    project: SubmitProject,
    secret: z
      .array(z.string().min(1).max(128))
      .max(1000)
      .optional()
      .meta({ description: 'Names of the parameters of which only ciphertext is to be kept.' }),
    labels: LabelsObject.optional(),
    key: Key.optional(),
  })
  .meta({ id: 'SubmitPlan', description: 'A message with a plan of its own.' });
export type SubmitPlan = z.input<typeof SubmitPlan>;

export const SubmitOne = z
  .union([SubmitFlow, SubmitPlan])
  .meta({ id: 'Submit', description: 'What to accept as a message.' });
export type SubmitOne = z.input<typeof SubmitOne>;
export const SUBMIT_ITEMS_MAX = 10_000;
export const SubmitMany = z.array(SubmitOne).min(1).max(SUBMIT_ITEMS_MAX);
export const SubmitBody = z.union([SubmitOne, SubmitMany]);

export const SubmitItem = z
  .union([
    z.object({
      msgid: Msgid,
      created: z.boolean().meta({ description: 'False when the key was seen before.' }),
    }),
    z.object({ error: Problem }),
  ])
  .meta({ id: 'SubmitItem' });
export type SubmitItem = z.infer<typeof SubmitItem>;
export const SubmitAnswer = listOf(SubmitItem, 'SubmitAnswer');
export type SubmitAnswer = z.infer<typeof SubmitAnswer>;

export const ProjectName = z
  .string()
  .regex(PROJECT_NAME, PROJECT_NAME_FORM)
  .meta({ description: 'Name of a project.', examples: ['default'] });
/** For lists that have no pages. */
export const ProjectQuery = z.strictObject({
  project: ProjectName.optional().meta({ description: 'Only what is of this project.' }),
});

/** Parameters of a list of what is of a project. */
export const ProjectListQuery = ListQuery.extend(ProjectQuery.shape);

export const MessagesQuery = PageQuery.extend({
  ...ProjectQuery.shape,
  status: z.enum(STATUSES).optional().meta({ description: 'Only those that stand so.' }),
  flow: z.string().max(63).optional().meta({ description: 'Only those of that flow.' }),
  selector: SelectorText.optional(),
  approval: z.stringbool().default(false).meta({
    description: 'Only those that wait for a person to approve: they stand at a step `approval give`.',
  }),
  children: z.stringbool().default(false).meta({ description: 'List the branches of groups too.' }),
  archived: z.stringbool().default(false).meta({ description: 'List archived messages instead.' }),
});
export type MessagesQuery = {
  status?: MessageView['status'];
  flow?: string;
  project?: string;
  selector?: string;
  approval?: boolean;
  children?: boolean;
  archived?: boolean;
  limit?: number;
  cursor?: string;
};
export const WaitQuery = z.strictObject({ wait: WaitSeconds.optional() });

export const CancelBody = z.strictObject({ reason: Reason }).meta({ id: 'Cancel' });
export const RevertBody = z
  .strictObject({
    reason: Reason,
    force: z.boolean().default(false).meta({ description: 'Even if something later was built on it.' }),
  })
  .meta({ id: 'Revert' });
export const ApproveBody = z
  .strictObject({
    reason: Reason,
    reject: z
      .boolean()
      .default(false)
      .meta({ description: 'Say no: the step fails for good, and the message is rolled back.' }),
  })
  .meta({ id: 'Approve', description: 'A decision for a message that waits for a person.' });
export type ApproveBody = z.input<typeof ApproveBody>;
export const RewindBody = z
  .strictObject({
    to: z
      .union([z.int().min(0), z.string().min(1).max(130)])
      .meta({ description: 'Index of the step, or `module action`.' }),
    parameters: ParametersObject.optional().meta({ description: 'Parameters to change.' }),
    reason: Reason,
  })
  .meta({ id: 'Rewind' });
export const ResolveBody = z
  .strictObject({
    how: z.enum(RESOLUTIONS as [(typeof RESOLUTIONS)[number], ...(typeof RESOLUTIONS)[number][]]),
    parameters: ParametersObject.optional().meta({ description: 'Parameters to change; for `edit`.' }),
    reason: Reason,
  })
  .meta({ id: 'Resolve', description: 'A decision for a parked message.' });
export type CancelBody = z.input<typeof CancelBody>;
export type RevertBody = z.input<typeof RevertBody>;
export type RewindBody = z.input<typeof RewindBody>;
export type ResolveBody = z.input<typeof ResolveBody>;

/** Messages that one request decides about. */
export const MANY_MAX = 1000;
/** Which messages are meant: all that have the flow and the labels, and stand so that it can be decided about them. */
const Which = {
  project: ProjectName.optional().meta({ description: 'Only what is of this project.' }),
  flow: z.string().min(1).max(63).optional().meta({ description: 'Only those of that flow.' }),
  selector: SelectorText.optional(),
  status: z.enum(STATUSES).optional().meta({ description: 'Of those only what stands so.' }),
  limit: z
    .int()
    .min(1)
    .max(MANY_MAX)
    .default(MANY_MAX)
    .meta({ description: 'When more are meant, none of them is touched.' }),
  apply: z.boolean().default(false).meta({ description: 'Do it; else it is only told what would be done.' }),
  reason: Reason,
};
const Changes = { parameters: RewindBody.shape.parameters };
export const DecideManyBody = z
  .discriminatedUnion('verb', [
    z.strictObject({ verb: z.literal('cancel'), ...Which }),
    z.strictObject({ verb: z.literal('revert'), force: RevertBody.shape.force, ...Which }),
    z.strictObject({ verb: z.literal('rewind'), to: RewindBody.shape.to, ...Changes, ...Which }),
    z.strictObject({ verb: z.literal('resolve'), how: ResolveBody.shape.how, ...Changes, ...Which }),
    z.strictObject({ verb: z.literal('fork'), ...Changes, ...Which }),
  ])
  .meta({
    id: 'DecideMany',
    description:
      'A decision about many messages: all of a flow, with labels, or both. `fork` starts each again from its first commit.',
  });
export type DecideManyBody = z.input<typeof DecideManyBody>;
export type DecideMany = z.output<typeof DecideManyBody>;
export const DecidedItem = z
  .object({
    msgid: Msgid,
    flow: z.string(),
    project: z.string(),
    status: StatusName.meta({ description: 'As it stood before.' }),
    outcome: z
      .enum(['would', 'done', 'refused'])
      .meta({ description: '`would`: it would be done with `apply`. `refused`: `error` says why.' }),
    made: Msgid.nullable().meta({ description: 'The new message of a fork.' }),
    error: Problem.nullable(),
  })
  .meta({ id: 'DecidedItem' });
export type DecidedItem = z.infer<typeof DecidedItem>;
export const DecideManyAnswer = z
  .object({
    applied: z.boolean(),
    more: z.boolean().meta({ description: 'More are meant than `limit`; these are the newest.' }),
    items: z.array(DecidedItem),
  })
  .meta({ id: 'DecideManyAnswer' });
export type DecideManyAnswer = z.infer<typeof DecideManyAnswer>;

export const Counts = z
  .object({
    ...(Object.fromEntries(STATUSES.map(status => [status, z.int()])) as Record<
      (typeof STATUSES)[number],
      z.ZodInt
    >),
    approval: z.int().meta({ description: 'Of those that wait: how many wait for a person to approve.' }),
  })
  .meta({ id: 'Counts', description: 'How many messages have each status, branches of groups too.' });
export type Counts = z.infer<typeof Counts>;

export const FilterView = z
  .object({
    name: z.string(),
    before: z.number(),
    removed: z.number(),
    after: z.number(),
    examples: z
      .array(z.object({ host: z.string(), reason: z.string() }))
      .meta({ description: 'Some hosts that it removed, with what they lacked.' }),
  })
  .meta({ id: 'Filter' });
export const WhyView = z
  .object({
    msgid: Msgid,
    status: StatusName,
    step: z.string().nullable(),
    host: z.string().nullable().meta({ description: 'The host that was chosen.' }),
    filters: z.array(FilterView),
    weighers: z.array(z.object({ name: z.string(), multiplier: z.number() })),
    candidates: z
      .array(z.object({ host: z.string(), score: z.number(), parts: z.record(z.string(), z.number()) }))
      .meta({ description: 'The best hosts, best first.' }),
    reason: z.string().meta({ description: 'In one sentence: why it stands where it stands.' }),
    waiting: z
      .object({
        address: z.string().nullable(),
        served: z.boolean().meta({ description: 'A living worker serves the address and knows the action.' }),
        since: Time.meta({ description: 'When it came to stand there.' }),
        lastServed: z
          .object({ worker: z.string(), seen: Time })
          .nullable()
          .meta({ description: 'Who served the address last, when nobody does now.' }),
        until: Time.nullable(),
        worker: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'What a message that has not ended waits for.' }),
  })
  .meta({ id: 'Why', description: 'Why a message stands where it stands, and why its host was chosen.' });
export type WhyView = z.infer<typeof WhyView>;
