import { balance } from './balance.ts';
import { fragmentation } from './fragmentation.ts';
import { freeCpu } from './free-cpu.ts';
import { freeMemory } from './free-memory.ts';
import { io } from './io.ts';
import { pack } from './pack.ts';
import { scarcity } from './scarcity.ts';
import type { Weigher } from './weigher.ts';

export const WEIGHERS: readonly Weigher[] = [pack, freeMemory, freeCpu, balance, fragmentation, scarcity, io];
