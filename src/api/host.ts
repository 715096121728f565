import { z } from 'zod';
import { listOf, Time } from './value.ts';

export const HostView = z
  .looseObject({
    name: z.string(),
    state: z.enum(['up', 'draining', 'down']),
    reason: z.string().meta({ description: 'Why it is not up; empty otherwise.' }),
    hypervisor: z.string(),
    accelerator: z.string().meta({ description: '`kvm`, `tcg` or `none`.' }),
    simulated: z.boolean(),
    zone: z.string(),
    labels: z.record(z.string(), z.string()),
    cpu: z.object({ total: z.number(), overcommit: z.number(), used: z.number(), free: z.number() }),
    memMib: z.object({ total: z.number(), used: z.number(), free: z.number() }),
    vms: z.int(),
    network: z.string(),
    created: Time,
    seen: Time,
  })
  .meta({ id: 'Host', description: 'A host as placement sees it.' });
export type HostView = z.infer<typeof HostView>;
export const HostList = listOf(HostView, 'HostList');
export type HostList = z.infer<typeof HostList>;
