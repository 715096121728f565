import type { Filter } from './filter.ts';
import { affinity } from './group/affinity.ts';
import { antiAffinity } from './group/anti-affinity.ts';
import { differentHost } from './group/different-host.ts';
import { sameHost } from './group/same-host.ts';
import { excluded } from './host/excluded.ts';
import { image } from './host/image.ts';
import { labels } from './host/labels.ts';
import { rack } from './host/rack.ts';
import { up } from './host/up.ts';
import { zone } from './host/zone.ts';
import { cpu } from './room/cpu.ts';
import { disk } from './room/disk.ts';
import { gpu } from './room/gpu.ts';
import { io } from './room/io.ts';
import { memory } from './room/memory.ts';
import { numa } from './room/numa.ts';
import { vms } from './room/vms.ts';

/** Every rule, in the order in which Nova's operators know them. */
export const FILTERS: readonly Filter[] = [
  ...[up, memory, cpu, disk, zone, rack, labels, image, numa, gpu],
  ...[affinity, antiAffinity, sameHost, differentHost, vms, io, excluded],
];
