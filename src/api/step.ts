import { z } from 'zod';
import { pageOf } from './value.ts';

export const ActionView = z
  .object({
    module: z.string(),
    action: z.string(),
    kind: z.enum(['function', 'transactional', 'executable']),
    code: z.string().meta({ description: 'SHA-256 of its code.' }),
    undoable: z.boolean(),
    about: z.string(),
    input: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'JSON Schema of what it reads.' }),
    output: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'JSON Schema of what it sets.' }),
    file: z.string().nullable(),
  })
  .meta({ id: 'Action', description: 'One action of a module, as it is now.' });
export type ActionView = z.infer<typeof ActionView>;

export const ActionList = pageOf(ActionView, 'ActionList')
  .extend({
    faults: z
      .array(z.object({ where: z.string(), reason: z.string() }))
      .meta({ description: 'Files that could not be used.' }),
  })
  .meta({ id: 'ActionList' });
export type ActionList = z.infer<typeof ActionList>;
