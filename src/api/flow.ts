import { z } from 'zod';
import { listOf, pageOf } from './value.ts';

export const FlowView = z
  .object({
    name: z.string(),
    about: z.string(),
    parameters: z.record(z.string(), z.unknown()).meta({ description: 'JSON Schema of each parameter.' }),
    required: z.array(z.string()).meta({ description: 'Parameters without a default.' }),
    steps: z.array(z.string()).meta({ description: '`module action`, `all` or `each`.' }),
    file: z.string().nullable().meta({ description: 'Where it came from; null when built in.' }),
  })
  .meta({ id: 'Flow', description: 'A named plan with a parameter schema.' });
export type FlowView = z.infer<typeof FlowView>;

export const FlowShow = FlowView.extend({
  plan: z.unknown().meta({ description: 'The plan that a message of this flow would carry now.' }),
  source: z.string().nullable().meta({ description: 'Text of its file, when it is YAML.' }),
}).meta({ id: 'FlowShow' });
export type FlowShow = z.infer<typeof FlowShow>;

export const Finding = z
  .object({
    level: z.enum(['error', 'warning']),
    where: z.string().meta({ description: 'File with its line, or JSON pointer.' }),
    reason: z.string(),
    hint: z.string().optional(),
  })
  .meta({ id: 'Finding' });
export type Finding = z.infer<typeof Finding>;

export const FlowList = pageOf(FlowView, 'FlowList')
  .extend({ faults: z.array(z.object({ where: z.string(), reason: z.string() })) })
  .meta({ id: 'FlowList', description: 'Flows, and the files that could not be read.' });
export type FlowList = z.infer<typeof FlowList>;

export const LintBody = z
  .union([
    z.strictObject({
      text: z
        .string()
        .min(1)
        .max(1024 * 1024),
      file: z.string().max(4096).optional().meta({ description: 'Name to show.' }),
    }),
    z.strictObject({ name: z.string().min(1).max(63) }),
  ])
  .meta({ id: 'Lint', description: 'A flow to check: its text, or its name.' });
export type LintBody = z.input<typeof LintBody>;
export const LintAnswer = listOf(Finding, 'LintAnswer');
export type LintAnswer = z.infer<typeof LintAnswer>;
