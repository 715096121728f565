/** A host as a rule of the user's sees it. Amounts are whole CPUs and MiB, overcommit and reserved amounts counted in. */
export interface HostFacts {
  readonly name: string;
  readonly state: string;
  readonly zone: string;
  readonly rack: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly simulated: boolean;
  readonly hypervisor: string;
  readonly accelerator: string;
  readonly cpuTotal: number;
  readonly cpuFree: number;
  readonly memTotalMib: number;
  readonly memFreeMib: number;
  readonly diskTotalMib: number;
  readonly diskFreeMib: number;
  /** Empty when it has no GPU. */
  readonly gpuModel: string;
  readonly gpus: number;
  /** Sum of what is free of each GPU, in GPUs. */
  readonly gpusFree: number;
  readonly vms: number;
  readonly ioLoad: number;
}

/** A request as a rule of the user's sees it. */
export interface RequestFacts {
  readonly cpu: number;
  readonly memMib: number;
  readonly diskMib: number;
  readonly gpu: number;
  /** Empty when it names none. */
  readonly project: string;
  readonly group: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly preemptible: boolean;
}

/** A filter of the user's: an empty text lets the host pass, any other says why it does not. */
export type RuleFunction = (host: HostFacts, request: RequestFacts) => string;
/** A weigher of the user's: more is better, 0 to 1 by custom. */
export type WeighFunction = (host: HostFacts, request: RequestFacts) => number;
