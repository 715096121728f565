import { z } from 'zod';
import { Msgid, MsgidPath } from '../value.ts';

const HostCounts = z
  .object({ waiting: z.int(), under_way: z.int(), done: z.int(), failed: z.int(), undone: z.int() })
  .meta({
    id: 'RolloutCounts',
    description: 'Hosts by how far they are; `undone`: switched back, or being so.',
  });

export const RolloutView = z
  .object({
    msgid: Msgid,
    package: z.string(),
    version: z.string(),
    state: z.enum(['under_way', 'done', 'undone']),
    paused: z.boolean().meta({ description: 'A person must approve before it goes on.' }),
    allowed: z.int().meta({ description: 'So many hosts may fail.' }),
    hosts: HostCounts,
    waves: z.array(
      z.object({
        wave: z.int(),
        name: z.string().meta({ description: '`canary`, or how far it goes, as `10%`.' }),
        hosts: z.int(),
        pause: z.boolean().meta({ description: 'A person must approve after it.' }),
        counts: HostCounts,
      }),
    ),
    wave: z.int().meta({ description: 'Index of the wave under way, or done last; -1 before the first.' }),
    failed: z
      .array(z.object({ host: z.string(), reason: z.string() }))
      .meta({ description: 'Hosts that failed within the budget, 100 at most.' }),
    skipped: z.array(z.string()).meta({ description: 'Hosts that were meant and were not up, 100 at most.' }),
  })
  .meta({ id: 'Rollout', description: 'How far a package has come to its hosts.' });
export type RolloutView = z.infer<typeof RolloutView>;
export const RolloutPath = MsgidPath;
