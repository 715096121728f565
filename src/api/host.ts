import { z } from 'zod';
import { AgentView } from './agent.ts';
import { Msgid, pageOf, SelectorText, Time } from './value.ts';

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
    vms: z.int().meta({ description: 'Claims: VMs, and places that are reserved.' }),
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

export const HostClaimView = z
  .object({
    vm: z.string().nullable().meta({ description: 'Null for a place that is reserved.' }),
    msgid: Msgid.meta({ description: 'The message that claims it.' }),
    project: z.string(),
    cpu: z.number(),
    memMib: z.number(),
    diskMib: z.number(),
    gpus: z.array(z.int()).meta({ description: 'Which of the GPUs.' }),
    created: Time,
  })
  .meta({ id: 'HostClaim', description: 'What is taken of a host, and by what.' });
export type HostClaimView = z.infer<typeof HostClaimView>;
export const HostShow = HostView.extend({ claims: z.array(HostClaimView) }).meta({
  id: 'HostShow',
  description: 'A host with everything that is claimed of it.',
});
export type HostShow = z.infer<typeof HostShow>;

const Indexes = z.array(z.int().min(0));
export const FleetMapQuery = z.strictObject({ selector: SelectorText.optional() });
export const FleetMapView = z
  .object({
    states: z.array(z.string()),
    zones: z.array(z.string()),
    racks: z.array(z.string()),
    name: z.array(z.string()),
    state: Indexes.meta({ description: 'Index into `states`, as `zone` and `rack` into theirs.' }),
    zone: Indexes,
    rack: Indexes,
    cpu: z
      .array(z.int())
      .meta({ description: 'Thousandths of the CPUs that may be claimed; -1 where none may.' }),
    mem: z.array(z.int()).meta({ description: 'Of the memory, likewise.' }),
    vms: Indexes.meta({ description: 'Claims.' }),
    reasons: z
      .record(z.string(), z.string())
      .meta({ description: 'Why a host is not up, by its name; only of those that have a reason.' }),
  })
  .meta({
    id: 'FleetMap',
    description:
      'Every host in few bytes: one list for each column, each in the order of `name`. At most a second old.',
  });
export type FleetMapView = z.infer<typeof FleetMapView>;
export const HostList = pageOf(HostView, 'HostList');
export type HostList = z.infer<typeof HostList>;
