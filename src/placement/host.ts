/** Only hosts that are `up` take new VMs. */
export type PlacementHostState = 'up' | 'draining' | 'down' | 'lost';

/** CPU in thousandths and memory in MiB of one NUMA cell. */
export interface NumaCell {
  readonly cpuMilli: number;
  readonly memMib: number;
}

/** A host as placement knows it: what it is and what it has, without what is claimed of it. */
export interface PlacementHost {
  readonly name: string;
  readonly state: PlacementHostState;
  /** Why it is not up. */
  readonly reason: string;
  readonly zone: string;
  readonly rack: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly simulated: boolean;
  /** What there is in thousandths of CPUs and MiB; how often each may be given out; what is kept for the host itself. */
  readonly cpuMilliTotal: number;
  readonly cpuOvercommit: number;
  readonly cpuMilliReserved: number;
  readonly memMibTotal: number;
  readonly memOvercommit: number;
  readonly memMibReserved: number;
  readonly diskMibTotal: number;
  readonly diskMibReserved: number;
  /** Empty without GPUs. */
  readonly gpuModel: string;
  /** Thousandths of each GPU; 1000 is a whole one. */
  readonly gpuMilliTotal: readonly number[];
  readonly numa: readonly NumaCell[];
  /** Operations that are under way there (creations, copies, moves). */
  readonly ioLoad: number;
  /** VMs at most; 0 for no limit. */
  readonly vmsMax: number;
  /** `kvm`, `tcg`, …; what an image may ask for. */
  readonly accelerator: string;
  readonly hypervisor: string;
}

/** A host with everything that is not said at its usual value. */
export function placementHost(host: Partial<PlacementHost> & Pick<PlacementHost, 'name'>): PlacementHost {
  return {
    state: 'up',
    reason: '',
    zone: '',
    rack: '',
    labels: {},
    simulated: false,
    cpuMilliTotal: 0,
    cpuOvercommit: 1,
    cpuMilliReserved: 0,
    memMibTotal: 0,
    memOvercommit: 1,
    memMibReserved: 0,
    diskMibTotal: 0,
    diskMibReserved: 0,
    gpuModel: '',
    gpuMilliTotal: [],
    numa: [],
    ioLoad: 0,
    vmsMax: 0,
    accelerator: '',
    hypervisor: '',
    ...host,
  };
}

/** What may be claimed in all, in whole thousandths: what is kept for the host does not count, overcommit does. */
export const cpuMilliLimit = (host: PlacementHost): number =>
  Math.floor((host.cpuMilliTotal - host.cpuMilliReserved) * host.cpuOvercommit);

/** What may be claimed in all, in whole MiB. */
export const memMibLimit = (host: PlacementHost): number =>
  Math.floor((host.memMibTotal - host.memMibReserved) * host.memOvercommit);

/** What may be claimed in all, in MiB; a disk is never given out twice. */
export const diskMibLimit = (host: PlacementHost): number => host.diskMibTotal - host.diskMibReserved;
