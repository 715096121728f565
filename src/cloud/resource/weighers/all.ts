import { freeCpuShare } from './free-cpu.ts';
import { freeMemory } from './free-memory.ts';
import type { Weigher } from './weigher.ts';

export const WEIGHERS: readonly Weigher[] = [freeMemory, freeCpuShare];
