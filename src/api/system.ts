import { z } from 'zod';
import { listOf, pageOf, Time } from './value.ts';

export const WorkerView = z
  .object({
    name: z.string(),
    role: z
      .enum(['all', 'server', 'worker', 'http'])
      .meta({ description: 'API and steps, API alone, steps alone, or steps over the worker protocol.' }),
    process: z.string().meta({ description: 'Who tells of it: itself, or the server that it speaks to.' }),
    host: z.string().nullable(),
    pid: z.int().nullable(),
    version: z.string().nullable(),
    addresses: z.array(z.string()).meta({ description: 'What it serves.' }),
    modules: z.array(
      z.object({
        module: z.string(),
        code: z.string().meta({ description: 'SHA-256 over the code of its actions.' }),
        differs: z.boolean().meta({ description: 'Another worker has other code for one of its actions.' }),
        actions: z.array(z.object({ action: z.string(), code: z.string(), differs: z.boolean() })),
      }),
    ),
    steps: z.int().meta({ description: 'Steps it is doing now.' }),
    draining: z.boolean().meta({ description: 'It takes no more messages.' }),
    since: Time,
    seen: Time.meta({ description: 'When it was heard of last.' }),
  })
  .meta({ id: 'Worker' });
export type WorkerView = z.infer<typeof WorkerView>;
export const WorkerList = pageOf(WorkerView, 'WorkerList');
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

const CgiScript = z
  .object({
    name: z.string().meta({ description: 'What follows /cgi-bin/.' }),
    about: z.string(),
    needs: z
      .enum(['anyone', 'view', 'operate', 'admin'])
      .meta({ description: 'Who may ask for it. `anyone`: no token is asked for.' }),
    timeoutMs: z.int(),
    fault: z.string().nullable().meta({ description: 'Why it cannot be started.' }),
  })
  .meta({ id: 'CgiScript' });

export const CgiList = pageOf(CgiScript, 'CgiList')
  .extend({
    dir: z.string().nullable().meta({ description: 'The folder that is served; null if none is.' }),
    running: z.int().meta({ description: 'Scripts that run now.' }),
    waiting: z.int().meta({ description: 'Requests that wait for one to end.' }),
    faults: z
      .array(z.object({ where: z.string(), reason: z.string() }))
      .meta({ description: 'What is wrong with the folder, its settings or its scripts.' }),
  })
  .meta({ id: 'CgiList' });
export type CgiList = z.infer<typeof CgiList>;
