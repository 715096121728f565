import { CPU_LIMIT, CPU_SHARE, MEM_LIMIT, MEM_SHARE } from '../inventory/row.ts';
import type { Weigher } from './weigher.ts';

/** How evenly CPU and memory would be used afterwards, 0 to 1: what is left of one is of no use without the other. */
export const balance: Weigher = {
  name: 'balance',
  weigh: (host, request) =>
    1 -
    Math.abs(
      host.cpuShareFree -
        part(request.cpuMilli, host.cpuMilliLimit) -
        (host.memShareFree - part(request.memMib, host.memMibLimit)),
    ),
  most({ lo, hi, at }, request) {
    const cpuHi = hi[at + CPU_SHARE]! - part(request.cpuMilli, hi[at + CPU_LIMIT]!);
    const cpuLo = lo[at + CPU_SHARE]! - part(request.cpuMilli, lo[at + CPU_LIMIT]!);
    const memHi = hi[at + MEM_SHARE]! - part(request.memMib, hi[at + MEM_LIMIT]!);
    const memLo = lo[at + MEM_SHARE]! - part(request.memMib, lo[at + MEM_LIMIT]!);
    return 1 - Math.max(0, cpuLo - memHi, memLo - cpuHi);
  },
};

const part = (asked: number, limit: number): number => (limit > 0 ? asked / limit : 0);
