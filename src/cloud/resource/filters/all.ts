import { cpu } from './cpu.ts';
import type { Filter } from './filter.ts';
import { labels } from './labels.ts';
import { memory } from './memory.ts';
import { up } from './up.ts';
import { zone } from './zone.ts';

/** Every rule, in the order in which they are asked: what a host is first, then what it has left. */
export const FILTERS: readonly Filter[] = [up, zone, labels, cpu, memory];
