import { z } from 'zod';
import { AgentView } from './agent.ts';
import { pageOf, Time } from './value.ts';

const Amount = z
  .object({ total: z.number(), reserved: z.number(), used: z.number(), free: z.number() })
  .meta({
    description:
      '`reserved` is kept for the host itself; `free` may still be claimed, overcommit counted in.',
  });

export const HostView = z
  .looseObject({
    name: z.string(),
    state: z.enum(['up', 'draining', 'down', 'lost']),
    reason: z.string().meta({ description: 'Why it is not up; empty otherwise.' }),
    hypervisor: z.string(),
    accelerator: z.string().meta({ description: '`kvm`, `tcg` or `none`.' }),
    simulated: z.boolean(),
    zone: z.string(),
    rack: z.string(),
    labels: z.record(z.string(), z.string()),
    cpu: Amount.extend({ overcommit: z.number() }),
    memMib: Amount,
    diskMib: Amount,
    gpu: z
      .object({
        model: z.string(),
        total: z.array(z.number()).readonly(),
        used: z.array(z.number()).readonly(),
      })
      .meta({ description: 'Thousandths of each GPU; 1000 is a whole one.' }),
    numa: z
      .array(
        z.object({
          cpuMilli: z.number(),
          memMib: z.number(),
          used: z.object({ cpuMilli: z.number(), memMib: z.number() }),
        }),
      )
      .readonly()
      .meta({ description: 'NUMA cells.' }),
    vms: z.int(),
    vmsMax: z.int().meta({ description: 'VMs at most; 0 for no limit.' }),
    ioLoad: z.int().meta({ description: 'Operations under way there.' }),
    network: z.string(),
    since: Time.nullable().meta({
      description: 'Since when it is in its state; null when no message ever changed it.',
    }),
    agent: AgentView.nullable().meta({ description: 'Null for a host that a server runs itself.' }),
    owed: z.int().meta({ description: 'Guests that must still be deleted there.' }),
    created: Time,
    seen: Time,
  })
  .meta({ id: 'Host', description: 'A host as placement sees it.' });
export type HostView = z.infer<typeof HostView>;
export const HostList = pageOf(HostView, 'HostList');
export type HostList = z.infer<typeof HostList>;
