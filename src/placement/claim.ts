/** What a claim takes of its host: CPU in thousandths, memory and disk in MiB. */
export interface Room {
  readonly cpuMilli: number;
  readonly memMib: number;
  readonly diskMib: number;
  /** GPUs, and thousandths of each. */
  readonly gpu: number;
  readonly gpuMilli: number;
  /** Which of the host's GPUs. */
  readonly devices: readonly number[];
  /** NUMA cell that it is bound to; -1 for none. */
  readonly cell: number;
}

/** What one VM, or whatever holds room in its place, has of a host. */
export interface PlacementClaim extends Room {
  readonly id: string;
  /** Name of the host. */
  readonly host: string;
  /** Group of VMs that are wanted together or apart; empty for none. */
  readonly group: string;
  readonly vm: string;
  readonly preemptible: boolean;
  readonly project: string;
}

/** A claim with everything that is not said at its usual value. */
export function placementClaim(
  claim: Partial<PlacementClaim> & Pick<PlacementClaim, 'id' | 'host'>,
): PlacementClaim {
  return {
    cpuMilli: 0,
    memMib: 0,
    diskMib: 0,
    gpu: 0,
    gpuMilli: claim.gpu ? 1000 : 0,
    devices: [],
    cell: -1,
    group: '',
    vm: '',
    preemptible: false,
    project: '',
    ...claim,
  };
}
