import { CoaxError, invariant } from '../errors/coax-error.ts';
import { type PackHost, packCost, packDevices } from '../placement/packing/pack-cost.ts';
import type { Target } from './replay.ts';
import type { TraceVm } from './trace/read-events.ts';
import type { TraceHost } from './trace/read-hosts.ts';
import type { Placed, UseOfFleet } from './use-of-fleet.ts';

/** Name of the one policy that there is here. */
export const PACK = 'pack';

interface HostState extends PackHost {
  readonly name: string;
  readonly gpuModel: string;
  cpuMilliFree: number;
  memMibFree: number;
  vms: number;
  readonly gpuMilliFree: number[];
}

interface Held extends Placed {
  readonly vm: TraceVm;
  readonly at: HostState;
}

/**
 * Placement and claims alone, in memory: no messages, no ledger. Every host is looked at for every request. Among equals the first
 * in the order of the fleet wins, so nothing is left to chance. Errors: COAX_USAGE for an unknown policy.
 */
export function directTarget(hosts: readonly TraceHost[], policy: string): Target {
  if (policy !== '' && policy !== PACK) {
    throw new CoaxError('COAX_USAGE', `there is no policy ${JSON.stringify(policy)}`, {
      where: '--policy',
      hint: `Give ${PACK}, or leave it out.`,
    });
  }
  const fleet = statesOf(hosts);
  const held = new Map<string, Held>();
  return {
    atTime() {},
    create(vms) {
      return vms.map(vm => {
        const best = bestFor(fleet, vm);
        if (best === null) return null;
        take(best, 1);
        held.set(vm.vm, best);
        return { host: best.host, gpus: best.gpus };
      });
    },
    remove(names) {
      for (const name of names) {
        const claim = held.get(name);
        invariant(claim, `replay: ${name} holds nothing`);
        held.delete(name);
        take(claim, -1);
      }
    },
    check(use: UseOfFleet) {
      invariant(held.size === use.vms, `replay: placement holds ${held.size} claims for ${use.vms} vms`);
      for (const host of fleet)
        invariant(host.cpuMilliFree >= 0 && host.memMibFree >= 0, `replay: ${host.name}`);
    },
  };
}

function statesOf(hosts: readonly TraceHost[]): HostState[] {
  const models = new Map<string, number>();
  for (const { gpuModel, gpuCount } of hosts) models.set(gpuModel, (models.get(gpuModel) ?? 0) + gpuCount);
  const gpus = hosts.reduce((sum, host) => sum + host.gpuCount, 0);
  return hosts.map(({ name, cpuMilli, memMib, gpuCount, gpuModel }) => ({
    name,
    gpuModel,
    cpuMilliFree: cpuMilli,
    memMibFree: memMib,
    vms: 0,
    gpuMilliFree: new Array<number>(gpuCount).fill(1000),
    modelShare: gpuCount === 0 ? 0 : (models.get(gpuModel) ?? 0) / gpus,
  }));
}

function bestFor(fleet: readonly HostState[], vm: TraceVm): Held | null {
  const wantsModel = vm.gpu > 0 && vm.gpuModels.length > 0;
  let best: HostState | null = null;
  let bestDevices: readonly number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const host of fleet) {
    if (host.cpuMilliFree < vm.cpuMilli || host.memMibFree < vm.memMib) continue;
    if (wantsModel && !vm.gpuModels.includes(host.gpuModel)) continue;
    const devices = packDevices(host.gpuMilliFree, vm);
    if (devices === null) continue;
    const cost = packCost(host, vm, devices);
    if (cost >= least) continue;
    least = cost;
    best = host;
    bestDevices = devices;
  }
  if (best === null) return null;
  const gpus = bestDevices.map(device => ({ device, milli: vm.gpuMilli }));
  return { vm, at: best, host: best.name, gpus };
}

function take({ vm, at, gpus }: Held, sign: 1 | -1): void {
  at.vms += sign;
  at.cpuMilliFree -= sign * vm.cpuMilli;
  at.memMibFree -= sign * vm.memMib;
  for (const { device, milli } of gpus) at.gpuMilliFree[device]! -= sign * milli;
}
