import { z } from 'zod';
import { ModeName, StepErrorView } from './message.ts';
import {
  CommitId,
  JsonValue,
  ListQuery,
  Msgid,
  PageQuery,
  ParametersObject,
  pageOf,
  Reason,
  TimeMs,
} from './value.ts';

export const CommitView = z
  .object({
    id: CommitId,
    parent: CommitId.nullable(),
    msgid: Msgid,
    seq: z.int(),
    mode: ModeName,
    cursor: z.int(),
    step: z.string().nullable(),
    attempt: z.int(),
    outcome: z.enum([
      'accepted',
      'ok',
      'retry',
      'failed',
      'parked',
      'split',
      'cancel',
      'revert',
      'amend',
      'rewind',
      'resolve',
    ]),
    set: ParametersObject.optional(),
    unset: z.array(z.string()).optional(),
    error: StepErrorView.optional(),
    log: z.string().optional(),
    detail: JsonValue.optional(),
    worker: z.string().nullable(),
    code: z.string().nullable(),
    actor: z.string(),
    started: TimeMs,
    finished: TimeMs,
    codeChanged: z.boolean().meta({
      description: 'The code that ran is not the code that the plan named. Not part of what is hashed.',
    }),
  })
  .meta({
    id: 'Commit',
    description: 'One transition of a message. `mode`, `cursor` and `step` say where it stood before.',
  });
export type CommitView = z.infer<typeof CommitView>;

export const CommitPage = pageOf(CommitView, 'CommitPage');
export type CommitPage = z.infer<typeof CommitPage>;

export const CommitsQuery = PageQuery.extend({
  order: z.enum(['newest', 'oldest']).default('newest').meta({ description: 'Which come first.' }),
});
export type CommitsQuery = { order?: 'newest' | 'oldest'; limit?: number; cursor?: string };

export const CommitPath = z.object({
  prefix: z
    .string()
    .regex(/^[0-9a-fA-F]{4,64}$/, 'give 4 to 64 hex digits')
    .meta({ description: 'The first digits of a commit id, at least 4.' }),
});

export const CommitShow = z
  .object({
    commit: CommitView,
    parameters: ParametersObject.meta({ description: 'After the commit.' }),
    before: ParametersObject.meta({ description: 'Before the commit.' }),
    message: z.object({ msgid: Msgid, flow: z.string() }),
  })
  .meta({ id: 'CommitShow' });
export type CommitShow = z.infer<typeof CommitShow>;

export const ForkBody = z
  .strictObject({ parameters: ParametersObject.optional(), reason: Reason })
  .meta({ id: 'Fork' });
export type ForkBody = z.input<typeof ForkBody>;

export const BlameQuery = ListQuery.extend({
  name: z.string().max(128).optional().meta({ description: 'One parameter only.' }),
});
export const BlameLine = z
  .object({
    name: z.string(),
    value: JsonValue,
    commit: CommitId,
    seq: z.int(),
    step: z.string().nullable(),
    worker: z.string().nullable(),
    code: z.string().nullable(),
    actor: z.string(),
    finished: TimeMs,
  })
  .meta({ id: 'BlameLine', description: 'Who set a parameter to what it is now.' });
export type BlameLine = z.infer<typeof BlameLine>;
export const BlameList = pageOf(BlameLine, 'Blame');
export type BlameList = z.infer<typeof BlameList>;

export const DiffQuery = z.strictObject({
  a: z.string().min(1).max(64).meta({ description: 'First digits of a commit id, or a msgid.' }),
  b: z.string().min(1).max(64).meta({ description: 'What it is compared with, in the same form.' }),
});

/** The members are those of ledger/diff. */
export const DiffView = z
  .looseObject({})
  .meta({ id: 'Diff', description: 'How two commits, or two messages, differ.' });
export type DiffView = z.infer<typeof DiffView>;
