import { z } from 'zod';

export const FaultView = z
  .object({
    where: z.string().meta({ description: 'JSON pointer (RFC 6901) into the request.' }),
    reason: z.string(),
  })
  .meta({ id: 'Fault', description: 'One thing that is wrong, with its place.' });
export type FaultView = z.infer<typeof FaultView>;

/** An error as RFC 9457 has it, with the members of a CoaxError. */
export const Problem = z
  .object({
    type: z.string().meta({ description: '`/errors/CODE`.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What was wrong this time.' }),
    instance: z.string().meta({ description: 'Id of the request; the log has it too.' }),
    code: z
      .string()
      .meta({ description: 'Never changes its meaning.', examples: ['COAX_MESSAGE_NOT_FOUND'] }),
    where: z.string().optional().meta({ description: 'A JSON pointer, a file with its line, or a name.' }),
    hint: z.string().meta({ description: 'What to do.' }),
    retryAfterMs: z.number().optional(),
    faults: z.array(FaultView).optional(),
    more: z.unknown().optional().meta({ description: 'More that a program may read.' }),
  })
  .meta({ id: 'Problem', description: 'An error (RFC 9457), media type application/problem+json.' });
export type Problem = z.infer<typeof Problem>;
export const PROBLEM_TYPE = 'application/problem+json';
