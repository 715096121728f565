import type { HostSnapshot } from '../host-snapshot.ts';

/** One opinion on how good a host is, from 0 (worst) to 1. Pure. */
export interface Weigher {
  readonly name: string;
  /** Weight in the sum; a negative one packs instead of spreading. */
  readonly multiplier: number;
  weigh(host: HostSnapshot): number;
}
