import type { NumaCell, PlacementHost } from '../host.ts';
import type { HostTable } from './host-table.ts';
import * as row from './row.ts';

/** One host of a table as rules see it: what it is and what is free now. The same object is moved from host to host. */
export class HostView {
  readonly #table: HostTable;
  /** Number of the host. */
  at: number;
  /** What `gpuMilliFree` answered last, and of which host and moment. */
  #gpus: readonly number[] = [];
  #gpusAt = -1;
  #gpusChanges = -1;

  constructor(table: HostTable, at = 0) {
    this.#table = table;
    this.at = at;
  }

  get host(): PlacementHost {
    return this.#table.host(this.at)!;
  }

  get name(): string {
    return this.host.name;
  }

  get cpuMilliFree(): number {
    return this.#figure(row.CPU);
  }

  get memMibFree(): number {
    return this.#figure(row.MEM);
  }

  get diskMibFree(): number {
    return this.#figure(row.DISK);
  }

  get cpuMilliLimit(): number {
    return this.#figure(row.CPU_LIMIT);
  }

  get memMibLimit(): number {
    return this.#figure(row.MEM_LIMIT);
  }

  /** Parts of the limits that are free. */
  get cpuShareFree(): number {
    return this.#figure(row.CPU_SHARE);
  }

  get memShareFree(): number {
    return this.#figure(row.MEM_SHARE);
  }

  get vms(): number {
    return this.#figure(row.VMS);
  }

  /** VMs that it may still take; Infinity without a limit. */
  get vmsFree(): number {
    return this.#figure(row.ROOM);
  }

  get gpuMilliFree(): readonly number[] {
    const { changes } = this.#table;
    if (this.#gpusAt === this.at && this.#gpusChanges === changes) return this.#gpus;
    this.#gpusAt = this.at;
    this.#gpusChanges = changes;
    this.#gpus = this.#table.gpus.list(this.at);
    return this.#gpus;
  }

  get hasGpus(): boolean {
    return this.#table.gpus.lengthOf(this.at) > 0;
  }

  /** The NUMA cell with the least room that is enough; -1 where the host tells of no cells and is one itself; null when none has room. */
  cellFor(cpuMilli: number, memMib: number): number | null {
    const { cells } = this.#table;
    const length = cells.lengthOf(this.at);
    if (length === 0) return this.cpuMilliFree >= cpuMilli && this.memMibFree >= memMib ? -1 : null;
    const { figures, width } = cells;
    let best: number | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (let cell = 0; 2 * cell < length; cell += 1) {
      const from = this.at * width + 2 * cell;
      const mem = figures[from + 1]!;
      if (figures[from]! < cpuMilli || mem < memMib || mem >= least) continue;
      best = cell;
      least = mem;
    }
    return best;
  }

  get cellsFree(): readonly NumaCell[] {
    const figures = this.#table.cells.list(this.at);
    const cells: NumaCell[] = [];
    for (let at = 0; at < figures.length; at += 2)
      cells.push({ cpuMilli: figures[at]!, memMib: figures[at + 1]! });
    return cells;
  }

  /** The most that is free in one cell, of CPU and of memory each for itself, and whether it is the same cell. */
  get cellCpuMilliMost(): number {
    return this.#figure(row.CELL_CPU);
  }

  get cellMemMibMost(): number {
    return this.#figure(row.CELL_MEM);
  }

  get isOneCellBest(): boolean {
    return this.#table.isOneCellBest(this.at);
  }

  /** Part of all GPUs of the fleet that are of this host's model, 0 to 1. */
  get modelShare(): number {
    return this.hasGpus ? this.#table.modelShareOf(this.at) : 0;
  }

  #figure(place: number): number {
    return this.#table.rows[this.at * row.ROW + place]!;
  }
}
