import type { PlacementRecord } from '../../placement/choice.ts';
import { placementClaim } from '../../placement/claim.ts';
import type { Fleet } from '../../placement/fleet.ts';
import type { PlacementRequest } from '../../placement/request.ts';

export interface PlannedVm {
  /** Empty when the message will name it. */
  readonly name: string;
  readonly request: PlacementRequest;
  /** Whether preemptible VMs may be removed for it. */
  readonly preempts: boolean;
}

/** Where VMs would land. */
export interface PlacementPlan {
  readonly asked: number;
  /** Before the first that no host fits. */
  readonly placed: number;
  /** In the order in which they would be used. */
  readonly hosts: PlannedHost[];
  /** Preemptible VMs that would be removed, and for which of the VMs, counted from 1. */
  readonly removed: { readonly vm: string; readonly host: string; readonly for: number }[];
  /** How the host of the first is chosen; null when none fits it. */
  readonly first: PlacementRecord | null;
  /** The first that no host fits, counted from 1. */
  readonly failed: { readonly vm: number; readonly name: string; readonly placement: PlacementRecord } | null;
}

interface PlannedHost {
  readonly host: string;
  readonly vms: number;
  /** What they take, and what is left then; overcommit counted in. */
  readonly cpu: number;
  readonly memMib: number;
  readonly cpuFree: number;
  readonly memMibFree: number;
}

/** Places VMs one after the other on a branch of the fleet, each as if those before it were there. The fleet stays as it is. */
export function planPlacement(fleet: Fleet, vms: readonly PlannedVm[]): PlacementPlan {
  const branch = fleet.branch();
  const taken = new Map<string, { vms: number; cpuMilli: number; memMib: number }>();
  let first: PlacementRecord | null = null;
  let failed: PlacementPlan['failed'] = null;
  const removed: PlacementPlan['removed'] = [];
  let placed = 0;
  for (const [at, { name, request, preempts }] of vms.entries()) {
    let record = at === 0 ? branch.explain(request) : null;
    let choice = branch.select(request);
    const room = choice === null && preempts ? branch.preempt(request) : null;
    if (room !== null) {
      for (const { id, vm } of room.victims) {
        branch.release(id);
        removed.push({ vm, host: room.host, for: at + 1 });
      }
      choice = branch.select(request);
      if (at === 0) record = branch.explain(request);
    }
    if (choice === null) {
      failed = { vm: at + 1, name, placement: record ?? branch.explain(request) };
      break;
    }
    first ??= record;
    branch.hold(
      placementClaim({
        ...request,
        id: `plan/${at}`,
        host: choice.host,
        devices: choice.devices,
        cell: choice.cell,
        group: request.group?.name ?? '',
        vm: name,
      }),
    );
    const sum = taken.get(choice.host) ?? { vms: 0, cpuMilli: 0, memMib: 0 };
    taken.set(choice.host, {
      vms: sum.vms + 1,
      cpuMilli: sum.cpuMilli + request.cpuMilli,
      memMib: sum.memMib + request.memMib,
    });
    placed++;
  }
  const hosts = [...taken].map(([host, sum]) => {
    const left = branch.view(host)!;
    return {
      host,
      vms: sum.vms,
      cpu: sum.cpuMilli / 1000,
      memMib: sum.memMib,
      cpuFree: left.cpuMilliFree / 1000,
      memMibFree: left.memMibFree,
    };
  });
  return { asked: vms.length, placed, hosts, removed, first, failed };
}
