import type { HostView } from '../inventory/host-view.ts';
import type { PlacementRequest } from '../request.ts';

/** What some hosts have at least and at most: rows of src/placement/inventory/row.ts at `at`. All have GPUs, or none has. */
export interface HostBox {
  lo: Float64Array;
  hi: Float64Array;
  at: number;
  hasGpus: boolean;
  /** Part of all GPUs that are of the hosts' model, at least and at most. */
  modelShareLo: number;
  modelShareHi: number;
}

/** One opinion on how good a host is for a request that it can take; more is better. Pure. */
export interface Weigher {
  readonly name: string;
  /** `devices` are the GPUs that the request would get there. */
  weigh(host: HostView, request: PlacementRequest, devices: readonly number[]): number;
  /**
   * What `weigh` is at most, and at least, for any host in the box that can take the request. Without them every host that can take it
   * is looked at, so the cost grows with the fleet. `least` is only asked for when the weight is negative.
   */
  most?(box: HostBox, request: PlacementRequest): number;
  least?(box: HostBox, request: PlacementRequest): number;
}
