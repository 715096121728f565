/** VMs that are wanted together (affinity) or apart, on one host, in one rack or in one zone. */
export interface GroupRule {
  readonly name: string;
  readonly rule: 'affinity' | 'anti-affinity';
  /** A hard rule refuses hosts; a soft one takes the hosts that keep it first. */
  readonly hard: boolean;
  readonly scope: 'host' | 'rack' | 'zone';
}

/** What a VM asks of its host. Empty texts, lists and objects ask for nothing. */
export interface PlacementRequest {
  readonly cpuMilli: number;
  readonly memMib: number;
  readonly diskMib: number;
  /** GPUs, and thousandths of each: a share (below 1000) of one, or whole ones. */
  readonly gpu: number;
  readonly gpuMilli: number;
  /** Any of these. */
  readonly gpuModels: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly zone: string;
  readonly rack: string;
  /** What the image needs of a host. */
  readonly image: { readonly accelerator?: string; readonly hypervisor?: string };
  /** `one-cell`: CPUs and memory must fit into one NUMA cell, and are bound to it. */
  readonly numa: 'none' | 'one-cell';
  readonly group: GroupRule | null;
  /** Names of VMs: a host that has one of them, or none of them. */
  readonly sameHostAs: readonly string[];
  readonly differentHostFrom: readonly string[];
  readonly preemptible: boolean;
  readonly project: string;
  /** Name of a policy; empty for the usual one. */
  readonly policy: string;
  /** Names of hosts that are not wanted. */
  readonly exclude: readonly string[];
}

/** A request with everything that is not said at its usual value. */
export function placementRequest(request: Partial<PlacementRequest>): PlacementRequest {
  return {
    cpuMilli: 0,
    memMib: 0,
    diskMib: 0,
    gpu: 0,
    gpuMilli: request.gpu ? 1000 : 0,
    gpuModels: [],
    labels: {},
    zone: '',
    rack: '',
    image: {},
    numa: 'none',
    group: null,
    sameHostAs: [],
    differentHostFrom: [],
    preemptible: false,
    project: '',
    policy: '',
    exclude: [],
    ...request,
  };
}
