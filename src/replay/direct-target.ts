import { CoaxError, invariant } from '../errors/coax-error.ts';
import { claimOf, Fleet } from '../placement/fleet.ts';
import { placementHost } from '../placement/host.ts';
import { POLICIES, USUAL_POLICY } from '../placement/policies/policy.ts';
import { placementRequest } from '../placement/request.ts';
import type { Target } from './replay.ts';
import type { TraceVm } from './trace/read-events.ts';
import type { TraceHost } from './trace/read-hosts.ts';
import type { Placed, UseOfFleet } from './use-of-fleet.ts';

/** Errors: COAX_USAGE for a policy that is not always there. */
export function checkPolicy(policy: string): void {
  if (policy !== '' && !Object.hasOwn(POLICIES, policy)) {
    throw new CoaxError('COAX_USAGE', `there is no policy ${JSON.stringify(policy)}`, {
      where: '--policy',
      hint: `Give one of ${Object.keys(POLICIES).join(', ')}, or leave it out: that is ${USUAL_POLICY}.`,
    });
  }
}

/** Placement and claims alone, in memory: no messages, no ledger. Nothing is left to chance. */
export function directTarget(hosts: readonly TraceHost[], policy: string): Target {
  const fleet = new Fleet();
  for (const { name, cpuMilli, memMib, gpuCount, gpuModel } of hosts) {
    const gpuMilliTotal = new Array<number>(gpuCount).fill(1000);
    fleet.put(placementHost({ name, cpuMilliTotal: cpuMilli, memMibTotal: memMib, gpuModel, gpuMilliTotal }));
  }
  const held = new Set<string>();
  const place = (vm: TraceVm): Placed | null => {
    const { cpuMilli, memMib, gpu, gpuMilli, gpuModels } = vm;
    const request = placementRequest({ cpuMilli, memMib, gpu, gpuMilli, gpuModels, policy });
    const choice = fleet.select(request);
    if (choice === null) return null;
    fleet.hold(claimOf(request, choice, vm.vm));
    held.add(vm.vm);
    return { host: choice.host, gpus: choice.devices.map(device => ({ device, milli: gpuMilli })) };
  };
  return {
    atTime() {},
    create: vms => vms.map(place),
    remove(names) {
      for (const name of names) {
        invariant(held.delete(name), `replay: ${name} holds nothing`);
        fleet.release(name);
      }
    },
    check(use: UseOfFleet) {
      invariant(held.size === use.vms, `replay: placement holds ${held.size} claims for ${use.vms} vms`);
      for (const { name } of hosts) {
        const { cpuMilliFree, memMibFree } = fleet.view(name)!;
        invariant(cpuMilliFree >= 0 && memMibFree >= 0, `replay: ${name}`);
      }
    },
  };
}
