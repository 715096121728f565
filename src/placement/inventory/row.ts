/**
 * The figures of a host by which it is found, in one row of numbers. In the places up to GPU_PART a greater number suits more
 * requests, so a row of maxima says what some host below it may have at best.
 */

/** Thousandths of CPUs, MiB of memory and of disk that may still be claimed. */
export const CPU = 0;
export const MEM = 1;
export const DISK = 2;
/** VMs that it may still take; Infinity without a limit. */
export const ROOM = 3;
/** Operations under way, as a negative number. */
export const CALM = 4;
/** The most that is free in one NUMA cell, of each for itself. */
export const CELL_CPU = 5;
export const CELL_MEM = 6;
/** GPUs: free thousandths in all; whole ones; the most on one that is in parts already. */
export const GPU_FREE = 7;
export const GPU_WHOLE = 8;
export const GPU_PART = 9;
/** Its number: of hosts that are equally good, the first wins. */
export const ORDER = 10;
/** Part of the limit that is free. */
export const CPU_SHARE = 11;
export const MEM_SHARE = 12;
export const VMS = 13;
/** What may be claimed in all. */
export const CPU_LIMIT = 14;
export const MEM_LIMIT = 15;

/**
 * Of hosts with GPUs, else 0: thousandths of GPUs that are free beyond what CPU and memory reach (below 0: as many more could be
 * reached), and how far CPU reaches beyond memory.
 */
export const STRAND = 16;
export const SLACK = 17;

/** Numbers in a row. */
export const ROW = 18;

/** What a row must have for a request; the first comparison of every search. */
export interface Need {
  readonly cpu: number;
  readonly mem: number;
  readonly disk: number;
  /** CALM must be greater than this. */
  readonly calm: number;
  readonly cellCpu: number;
  readonly cellMem: number;
  readonly gpuWhole: number;
  /** Thousandths of one GPU; 0 unless a share is asked for. */
  readonly gpuShare: number;
}

/** Whether the figures at `at` are enough: of a host exactly, of maxima whether any host below could have them. */
export function hasRoom(rows: Float64Array, at: number, need: Need): boolean {
  return (
    rows[at + CPU]! >= need.cpu &&
    rows[at + MEM]! >= need.mem &&
    rows[at + DISK]! >= need.disk &&
    rows[at + GPU_WHOLE]! >= need.gpuWhole &&
    (rows[at + GPU_PART]! >= need.gpuShare || rows[at + GPU_WHOLE]! >= 1) &&
    rows[at + ROOM]! >= 1 &&
    rows[at + CALM]! > need.calm &&
    rows[at + CELL_CPU]! >= need.cellCpu &&
    rows[at + CELL_MEM]! >= need.cellMem
  );
}
