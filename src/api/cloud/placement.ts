import { z } from 'zod';
import { FilterView } from '../message.ts';
import { Msgid, ParametersObject, pageOf, Time } from '../value.ts';

export const PlacementView = z
  .object({
    request: z.unknown().meta({ description: 'What was asked of a host.' }),
    hosts: z.int().meta({ description: 'Hosts that there are.' }),
    filters: z.array(FilterView),
    weighers: z.array(z.object({ name: z.string(), multiplier: z.number() })),
    candidates: z
      .array(z.object({ host: z.string(), score: z.number(), parts: z.record(z.string(), z.number()) }))
      .meta({ description: 'The best hosts, best first.' }),
    host: z.string().optional().meta({ description: 'The host that was chosen; absent when none fits.' }),
    reason: z.string().meta({ description: 'In one sentence: why this host, or why none.' }),
  })
  .meta({ id: 'Placement', description: 'How a host was chosen.' });
export type PlacementView = z.infer<typeof PlacementView>;

export const PLAN_COUNT_MAX = 10_000;

export const PlanBody = z
  .strictObject({
    parameters: ParametersObject.optional(),
    count: z
      .int()
      .min(1)
      .max(PLAN_COUNT_MAX)
      .default(1)
      .meta({ description: 'So many messages of the flow, one after the other.' }),
  })
  .meta({ id: 'Plan', description: 'A dry run of placement.' });
export type PlanBody = z.input<typeof PlanBody>;

export const PlanAnswer = z
  .object({
    flow: z.string(),
    asked: z.int().meta({ description: 'VMs in all.' }),
    placed: z.int().meta({ description: 'VMs before the first that no host fits.' }),
    hosts: z
      .array(
        z.object({
          host: z.string(),
          vms: z.int().meta({ description: 'How many of the VMs would land there.' }),
          cpu: z.number().meta({ description: 'CPUs that they take.' }),
          memMib: z.number(),
          cpuFree: z.number().meta({ description: 'CPUs that are left then.' }),
          memMibFree: z.number(),
        }),
      )
      .meta({ description: 'In the order in which they would be used.' }),
    removed: z.array(z.object({ vm: z.string(), host: z.string(), for: z.int() })).meta({
      description: 'Preemptible VMs that would be removed, and for which of the VMs, counted from 1.',
    }),
    first: PlacementView.nullable().meta({ description: 'How the host of the first VM is chosen.' }),
    failed: z
      .object({
        vm: z.int().meta({ description: 'The first VM that no host fits, counted from 1.' }),
        name: z.string().meta({ description: 'Its name, when it has one.' }),
        placement: PlacementView,
      })
      .nullable(),
  })
  .meta({ id: 'PlanAnswer', description: 'Where VMs would land. Nothing was written.' });
export type PlanAnswer = z.infer<typeof PlanAnswer>;

export const PolicyView = z
  .object({
    name: z.string(),
    about: z.string(),
    builtin: z.boolean().meta({ description: 'It comes with Coax.' }),
    default: z.boolean().meta({ description: 'Used where nothing else is said.' }),
    weighers: z.record(z.string(), z.number()).meta({ description: 'Weight of each weigher.' }),
    filters: z.array(z.string()).meta({ description: 'Filters of its own.' }),
    projects: z.array(z.string()).meta({ description: 'Projects whose VMs are placed by it.' }),
    flavors: z.array(z.string()).meta({ description: 'Flavors whose VMs are placed by it.' }),
  })
  .meta({ id: 'Policy', description: 'A named way to choose among hosts.' });
export type PolicyView = z.infer<typeof PolicyView>;
export const PolicyList = pageOf(PolicyView, 'PolicyList');
export type PolicyList = z.infer<typeof PolicyList>;

export const RebalanceBody = z
  .strictObject({
    moves: z.int().min(1).max(10_000).default(100).meta({ description: 'Moves at most.' }),
  })
  .meta({ id: 'Rebalance' });
export type RebalanceBody = z.input<typeof RebalanceBody>;

export const RebalanceAnswer = z
  .object({
    moves: z.array(z.object({ vm: z.string(), from: z.string(), to: z.string() })),
    freed: z.array(z.string()).meta({ description: 'Hosts that would have no VM.' }),
    hostsInUse: z.int().meta({ description: 'Hosts with a VM now.' }),
  })
  .meta({ id: 'RebalanceAnswer', description: 'Moves that would free hosts. Nothing was written.' });
export type RebalanceAnswer = z.infer<typeof RebalanceAnswer>;

export const ReservationView = z
  .object({
    name: z.string(),
    msgid: Msgid.meta({ description: 'The message that holds it.' }),
    project: z.string().meta({ description: 'That of its message.' }),
    places: z.int().meta({ description: 'Places that it was made with.' }),
    free: z.int().meta({ description: 'Places that no VM has taken.' }),
    cpu: z.number().meta({ description: 'CPUs of each place.' }),
    memMib: z.number().meta({ description: 'Memory of each place.' }),
    hosts: z
      .array(z.object({ host: z.string(), free: z.int() }))
      .meta({ description: 'Where the free places are.' }),
    vms: z.array(z.object({ name: z.string(), host: z.string(), msgid: Msgid })).meta({
      description: 'VMs that have taken a place.',
    }),
    state: z.enum(['held', 'over']).meta({
      description:
        '`over`: its time has come. No VM gets a place any more, and what it holds is being given back.',
    }),
    until: Time.nullable().meta({ description: 'When it ends by itself; null: when it is given up.' }),
    created: Time,
  })
  .meta({ id: 'Reservation', description: 'Room that is held for VMs which name it.' });
export type ReservationView = z.infer<typeof ReservationView>;
export const ReservationList = pageOf(ReservationView, 'ReservationList');
export type ReservationList = z.infer<typeof ReservationList>;
