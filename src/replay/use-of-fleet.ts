import { invariant } from '../errors/coax-error.ts';
import type { TraceVm } from './trace/read-events.ts';
import { gpuMilliOf } from './trace/read-events.ts';
import type { TraceHost } from './trace/read-hosts.ts';

/** Where a VM went. */
export interface Placed {
  readonly host: string;
  readonly gpus: readonly { readonly device: number; readonly milli: number }[];
}

interface HostBook {
  readonly facts: TraceHost;
  vms: number;
  cpuMilli: number;
  memMib: number;
  readonly gpuMilli: number[];
  touched: boolean;
}

/** Totals over some hosts: what is taken and what there is. */
export interface Use {
  cpuMilli: number;
  memMib: number;
  gpuMilli: number;
}

/**
 * A replay's own books of its hosts, kept apart from what is replayed: they measure it, and they check at every placement that
 * no host is given more than it has. A break of that is an invariant's error, never a figure.
 */
export class UseOfFleet {
  readonly #hosts: ReadonlyMap<string, HostBook>;
  readonly #vms = new Map<string, { readonly vm: TraceVm; readonly placed: Placed }>();
  /** Taken by all VMs. */
  readonly taken: Use = { cpuMilli: 0, memMib: 0, gpuMilli: 0 };
  /** What the hosts have that hold a VM. */
  readonly inUse: Use = { cpuMilli: 0, memMib: 0, gpuMilli: 0 };
  /** What all hosts have. */
  readonly total: Use = { cpuMilli: 0, memMib: 0, gpuMilli: 0 };
  /** Hosts that hold a VM now, and that ever did. */
  hostsInUse = 0;
  hostsUsed = 0;

  constructor(hosts: readonly TraceHost[]) {
    this.#hosts = new Map(hosts.map(facts => [facts.name, emptyBook(facts)]));
    for (const host of hosts) add(this.total, host, 1);
  }

  get vms(): number {
    return this.#vms.size;
  }

  place(vm: TraceVm, placed: Placed): void {
    const book = this.#book(placed.host);
    invariant(!this.#vms.has(vm.vm), `replay: ${vm.vm} was placed twice`);
    this.#vms.set(vm.vm, { vm, placed });
    if (book.vms === 0) {
      this.hostsInUse += 1;
      add(this.inUse, book.facts, 1);
    }
    if (!book.touched) this.hostsUsed += 1;
    book.touched = true;
    this.#take(book, vm, placed, 1);
    check(book, vm, placed);
  }

  /** Takes a VM away; false when it is not there. */
  remove(name: string): boolean {
    const held = this.#vms.get(name);
    if (!held) return false;
    this.#vms.delete(name);
    const book = this.#book(held.placed.host);
    this.#take(book, held.vm, held.placed, -1);
    if (book.vms === 0) {
      this.hostsInUse -= 1;
      add(this.inUse, book.facts, -1);
    }
    return true;
  }

  #take(book: HostBook, vm: TraceVm, placed: Placed, sign: 1 | -1): void {
    book.vms += sign;
    book.cpuMilli += sign * vm.cpuMilli;
    book.memMib += sign * vm.memMib;
    for (const { device, milli } of placed.gpus) {
      invariant(device >= 0 && device < book.gpuMilli.length, `replay: ${placed.host} has no GPU ${device}`);
      book.gpuMilli[device]! += sign * milli;
    }
    this.taken.cpuMilli += sign * vm.cpuMilli;
    this.taken.memMib += sign * vm.memMib;
    this.taken.gpuMilli += sign * gpuMilliOf(vm);
  }

  #book(host: string): HostBook {
    const book = this.#hosts.get(host);
    invariant(book, `replay: there is no host ${host}`);
    return book;
  }
}

function emptyBook(facts: TraceHost): HostBook {
  return {
    facts,
    vms: 0,
    cpuMilli: 0,
    memMib: 0,
    gpuMilli: new Array<number>(facts.gpuCount).fill(0),
    touched: false,
  };
}

function add(use: Use, host: TraceHost, sign: 1 | -1): void {
  use.cpuMilli += sign * host.cpuMilli;
  use.memMib += sign * host.memMib;
  use.gpuMilli += sign * host.gpuCount * 1000;
}

function check(book: HostBook, vm: TraceVm, placed: Placed): void {
  const { facts } = book;
  const where = `replay: ${facts.name}, given ${vm.vm},`;
  invariant(book.cpuMilli <= facts.cpuMilli, `${where} is over-committed in CPUs`);
  invariant(book.memMib <= facts.memMib, `${where} is over-committed in memory`);
  invariant(Math.max(0, ...book.gpuMilli) <= 1000, `${where} has a GPU given out twice`);
  const devices = new Set(placed.gpus.map(gpu => gpu.device));
  invariant(
    devices.size === placed.gpus.length && devices.size === vm.gpu,
    `${where} gave not the GPUs asked for`,
  );
  invariant(
    placed.gpus.every(gpu => gpu.milli === vm.gpuMilli),
    `${where} gave another share of a GPU`,
  );
  const modelFits = vm.gpu === 0 || vm.gpuModels.length === 0 || vm.gpuModels.includes(facts.gpuModel);
  invariant(modelFits, `${where} has the wrong model of GPU`);
}
