/**
 * What a GPU is taken to need beside it. A GPU whose host has less CPU or memory left is stranded: nobody can be given it. Typical
 * hosts have 12 to 24 cores for each GPU, and typical requests ask for less.
 */
const CPU_MILLI_PER_GPU = 10_000;
const MEM_MIB_PER_GPU = 32_768;

/** Thousandths of GPUs for which there is CPU, and for which there is memory. */
export const cpuReach = (cpuMilli: number): number => (1000 * cpuMilli) / CPU_MILLI_PER_GPU;
export const memReach = (memMib: number): number => (1000 * memMib) / MEM_MIB_PER_GPU;

/** Thousandths of GPUs for which there is CPU and memory. */
export const reach = (cpuMilli: number, memMib: number): number =>
  Math.min(cpuReach(cpuMilli), memReach(memMib));
