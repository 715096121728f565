/** Where a request would go: a host, and what of it. Nothing is claimed by a choice. */
export interface Choice {
  readonly host: string;
  /** GPUs of the host. */
  readonly devices: readonly number[];
  /** NUMA cell; -1 unless one was asked for. */
  readonly cell: number;
  /** By the policy; more is better. */
  readonly score: number;
}

/** What a record says of the request: only what was asked. A type, not an interface, so that it counts as JSON. */
export type RequestRecord = {
  /** CPUs. */
  cpu: number;
  /** MiB. */
  mem: number;
  labels?: Record<string, string>;
  zone?: string;
  /** MiB. */
  disk?: number;
  gpu?: number;
  gpuMilli?: number;
  gpuModels?: string[];
  rack?: string;
  image?: Record<string, string>;
  numa?: string;
  group?: { name: string; rule: string; hard: boolean; scope: string };
  sameHostAs?: string[];
  differentHostFrom?: string[];
  exclude?: string[];
  preemptible?: boolean;
  policy?: string;
};

export type FilterRecord = {
  name: string;
  before: number;
  removed: number;
  after: number;
  /** Up to 3 of the removed. */
  examples: { host: string; reason: string }[];
};

/** Why a host was chosen, or why none: kept with the commit, printed by `coax why`. */
export type PlacementRecord = {
  request: RequestRecord;
  hosts: number;
  filters: FilterRecord[];
  weighers: { name: string; multiplier: number }[];
  /** The best, with their scores, best first. */
  candidates: { host: string; score: number; parts: Record<string, number> }[];
  /** The winner; absent when there is none. */
  host?: string;
  /** One sentence: why this host, or why none. */
  reason: string;
};
