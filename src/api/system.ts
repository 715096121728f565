import { z } from 'zod';
import { listOf, Time } from './value.ts';

export const WorkerView = z
  .object({
    name: z.string(),
    kind: z.enum(['server', 'http']).meta({ description: 'In the server, or over the worker protocol.' }),
    addresses: z.array(z.string()).meta({ description: 'What it serves.' }),
    claims: z.int().meta({ description: 'Steps it is doing now.' }),
    seen: Time.nullable(),
  })
  .meta({ id: 'Worker' });
export type WorkerView = z.infer<typeof WorkerView>;
export const WorkerList = listOf(WorkerView, 'WorkerList');
export type WorkerList = z.infer<typeof WorkerList>;

export const CheckView = z
  .looseObject({
    name: z.string(),
    ok: z.boolean(),
    about: z.string().meta({ description: 'What was found.' }),
    fix: z.string().optional().meta({ description: 'What to do, when it is not ok.' }),
  })
  .meta({ id: 'Check', description: 'One thing that doctor looked at.' });
export type CheckView = z.infer<typeof CheckView>;
export const DoctorView = listOf(CheckView, 'Doctor');
export type DoctorView = z.infer<typeof DoctorView>;

export const ReadyView = z
  .object({ ok: z.boolean(), version: z.string(), simulated: z.boolean() })
  .meta({ id: 'Ready' });
export type ReadyView = z.infer<typeof ReadyView>;
