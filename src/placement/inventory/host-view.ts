import type { NumaCell, PlacementHost } from '../host.ts';
import type { HostTable } from './host-table.ts';
import * as row from './row.ts';

/** One host of a table as rules see it: what it is and what is free now. The same object is moved from host to host. */
export class HostView {
  readonly #table: HostTable;
  /** Number of the host. */
  at: number;

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
    return this.#table.gpus(this.at);
  }

  get cellsFree(): readonly NumaCell[] {
    return this.#table.cells(this.at);
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
    return this.gpuMilliFree.length === 0 ? 0 : this.#table.modelShare(this.host.gpuModel);
  }

  #figure(place: number): number {
    return this.#table.rows[this.at * row.ROW + place]!;
  }
}
