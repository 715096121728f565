import type { Random } from '../../src/placement/fleet.ts';
import { seededRandom } from '../../src/replay/random.ts';

export interface TraceShape {
  readonly vms: number;
  readonly seed: number;
  /** Mean of seconds between two arrivals. */
  readonly everyS: number;
  /** Mean of seconds that a VM lives; most live much shorter, a few much longer. */
  readonly lifeS: number;
  /** Share of the VMs that ask for GPUs, among them shares of one, several, and models. */
  readonly gpus?: number;
}

const CPUS = [1, 1, 1, 2, 2, 4, 4, 8, 16];
const MIB_PER_CPU = [1024, 2048, 2048, 4096, 8192];
const MODELS = ['', '', '', 'A', 'A|B', 'B'];

/** A trace as text: Poisson arrivals, lifetimes of two kinds (a tenth lives nine tenths of all time), shapes as clouds sell them. */
export function generateTrace({ vms, seed, everyS, lifeS, gpus = 0 }: TraceShape): string {
  const random = seededRandom(seed);
  const rows: { readonly t: number; readonly op: 'C' | 'D'; readonly text: string }[] = [];
  let t = 0;
  for (let index = 0; index < vms; index += 1) {
    t += Math.round(exponential(random, everyS));
    const life = 1 + Math.round(exponential(random, random(10) === 0 ? lifeS * 9 : lifeS / 9));
    const cpu = pick(random, CPUS);
    const shape = `vm-${index},${cpu},${cpu * pick(random, MIB_PER_CPU)}${gpuFields(random, gpus)}`;
    rows.push({ t, op: 'C', text: shape }, { t: t + life, op: 'D', text: shape });
  }
  rows.sort((a, b) => a.t - b.t || (a.op === b.op ? 0 : a.op === 'D' ? -1 : 1));
  const head = `t,op,vm,cpu,mem_mib${gpus > 0 ? ',gpu,gpu_milli,gpu_model' : ''}`;
  return `${[head, ...rows.map(row => `${row.t},${row.op},${row.text}`)].join('\n')}\n`;
}

/** Hosts with two models of GPUs and some without. */
export function generateHosts(count: number): string {
  const kinds = ['16,65536,0,', '32,131072,4,A', '64,262144,8,B'];
  const rows = Array.from({ length: count }, (_, index) => `node-${index},${kinds[index % kinds.length]}`);
  return `${['host,cpu,mem_mib,gpu,gpu_model', ...rows].join('\n')}\n`;
}

function gpuFields(random: Random, share: number): string {
  if (share === 0) return '';
  if (random(1000) >= share * 1000) return ',0,0,';
  const count = pick(random, [1, 1, 1, 2, 4]);
  const milli = count === 1 ? pick(random, [1000, 500, 250, 300]) : 1000;
  return `,${count},${milli},${pick(random, MODELS)}`;
}

const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)]!;
const exponential = (random: Random, mean: number): number => -mean * Math.log(1 - random(2 ** 30) / 2 ** 30);
