import { z } from 'zod';
import { isCoaxError } from '../../errors/coax-error.ts';
import { type PlacementRequest, placementRequest } from '../../placement/request.ts';
import { Terminal } from '../../step/step-errors.ts';

const Names = z.array(z.string().min(1)).max(1000);

/** What a request may say of its place beside CPUs, memory and labels. */
export const PlacementWish = z.strictObject({
  policy: z.string().optional(),
  flavor: z.string().optional(),
  project: z.string().optional(),
  /** MiB. */
  disk: z.int().min(0).optional(),
  gpu: z.int().min(0).max(64).optional(),
  /** Thousandths of each GPU: below 1000 a share of one. */
  gpu_milli: z.int().min(1).max(1000).optional(),
  gpu_models: Names.optional(),
  zone: z.string().optional(),
  rack: z.string().optional(),
  image: z.strictObject({ accelerator: z.string().optional(), hypervisor: z.string().optional() }).optional(),
  numa: z.enum(['none', 'one-cell']).optional(),
  group: z
    .strictObject({
      name: z.string().min(1),
      rule: z.enum(['affinity', 'anti-affinity']).default('anti-affinity'),
      hard: z.boolean().default(true),
      scope: z.enum(['host', 'rack', 'zone']).default('host'),
    })
    .optional(),
  same_host_as: Names.optional(),
  different_host_from: Names.optional(),
  exclude: Names.optional(),
  preemptible: z.boolean().optional(),
});
export type PlacementWish = z.output<typeof PlacementWish>;

/** What `resource select_host` reads of a message's parameters. */
export const HostWish = z.object({
  /** CPUs; thousandths at the finest. */
  cpu: z.number().min(0).max(1_000_000),
  /** MiB. */
  mem: z.int().min(0),
  name: z.string().nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
  zone: z.string().nullish(),
  placement: PlacementWish.nullish(),
});
export type HostWish = z.output<typeof HostWish>;

/** Finds the policy of who names it, or a flavor or project. Errors: COAX_NOT_FOUND. */
export type PolicyOf = (wish: { policy?: string; flavor?: string; project?: string }) => string;

/** Thousandths of CPUs, a part of one as a whole one. 32.2 times 1000 is a little above 32,200 in binary: that is no part of one. */
export const cpuMilliOf = (cpus: number): number => Math.ceil(Number((cpus * 1000).toPrecision(12)));

/** The request as placement takes it. Errors: those of `policyOf`. */
export function requestOf(wish: HostWish, policyOf: PolicyOf): PlacementRequest {
  const { placement = null } = wish;
  const { policy, flavor, project, disk, gpu, gpu_milli, gpu_models, ...more } = placement ?? {};
  const named = { ...(policy && { policy }), ...(flavor && { flavor }), ...(project && { project }) };
  return placementRequest({
    cpuMilli: cpuMilliOf(wish.cpu),
    memMib: wish.mem,
    labels: wish.labels ?? {},
    zone: more.zone ?? wish.zone ?? '',
    diskMib: disk ?? 0,
    gpu: gpu ?? 0,
    gpuMilli: gpu ? (gpu_milli ?? 1000) : 0,
    gpuModels: gpu_models ?? [],
    rack: more.rack ?? '',
    image: {
      ...(more.image?.accelerator && { accelerator: more.image.accelerator }),
      ...(more.image?.hypervisor && { hypervisor: more.image.hypervisor }),
    },
    numa: more.numa ?? 'none',
    group: more.group ?? null,
    sameHostAs: more.same_host_as ?? [],
    differentHostFrom: more.different_host_from ?? [],
    exclude: more.exclude ?? [],
    preemptible: more.preemptible ?? false,
    project: project ?? '',
    policy: policyOf(named),
  });
}

/** The request of a step. Errors: Terminal COAX_STEP_INPUT for a policy or flavor that there is not. */
export function requestFor(wish: HostWish, policyOf: PolicyOf): PlacementRequest {
  try {
    return requestOf(wish, policyOf);
  } catch (error) {
    if (!isCoaxError(error, 'COAX_NOT_FOUND')) throw error;
    throw new Terminal(`${error.reason}. ${error.hint}`, { code: 'COAX_STEP_INPUT' });
  }
}
