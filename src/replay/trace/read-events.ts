import { type Row, readRows } from './read-rows.ts';

/** What a VM of a trace asks for. */
export interface TraceVm {
  readonly vm: string;
  readonly cpuMilli: number;
  readonly memMib: number;
  /** Whole GPUs, or 1 for a share; 0 = none. */
  readonly gpu: number;
  /** Thousandths of each GPU. */
  readonly gpuMilli: number;
  /** Models that will do, in order of the alphabet and each once; empty = any. */
  readonly gpuModels: readonly string[];
}

/** A line of a trace: a VM comes, or goes. One that goes asks for nothing. */
export interface TraceEvent extends TraceVm {
  /** Seconds since the start of the trace. */
  readonly atS: number;
  readonly op: 'C' | 'D';
}

/** A delete says which VM, and no more: what else stands in its row is not read. */
const NOTHING = { cpuMilli: 0, memMib: 0, gpu: 0, gpuMilli: 0, gpuModels: [] } as const;

/** GPUs that a VM asks for, in thousandths of one. */
export const gpuMilliOf = (vm: TraceVm): number => vm.gpu * vm.gpuMilli;

/**
 * Reads the events of a trace, one at a time, and checks that they make sense together: time does not go back, a VM is
 * created once and deleted after that. Memory grows with the VMs that live at one time and with the number of their names.
 *
 * Errors: COAX_USAGE with file:line and column.
 */
export async function* readEvents(file: string): AsyncGenerator<TraceEvent> {
  const seen = new Map<string, 'lives' | 'gone'>();
  let last = 0;
  for await (const row of readRows(file, ['t', 'op', 'vm', 'cpu', 'mem_mib'])) {
    const event = eventOf(row);
    if (event.atS < last) {
      const hint = 'Sort the rows by time; at one instant deletes come first.';
      throw row.fault('t', `${event.atS} is before the row above (${last})`, hint);
    }
    last = event.atS;
    const state = seen.get(event.vm);
    if (event.op === 'C' && state !== undefined)
      throw row.fault('vm', `${event.vm} was created before`, 'Give each VM a name of its own.');
    if (event.op === 'D' && state !== 'lives') {
      const reason = `${event.vm} is deleted ${state === 'gone' ? 'twice' : 'but was never created'}`;
      throw row.fault('vm', reason, 'Remove the row, or add the create before it.');
    }
    seen.set(event.vm, event.op === 'C' ? 'lives' : 'gone');
    yield event;
  }
}

function eventOf(row: Row): TraceEvent {
  const op = row.text('op');
  if (op !== 'C' && op !== 'D')
    throw row.fault('op', `${JSON.stringify(op)} is unknown`, 'Write C for a create, D for a delete.');
  const vm = row.text('vm');
  if (vm === '' || vm.length > 200)
    throw row.fault(
      'vm',
      'is empty or longer than 200 characters',
      'Write a name: the same in create and delete.',
    );
  const atS = row.amount('t');
  if (op === 'D') return { atS, op, vm, ...NOTHING };
  const cpuMilli = Math.round(row.amount('cpu') * 1000);
  const memMib = row.count('mem_mib');
  const gpus = gpusOf(row);
  if (cpuMilli === 0 && memMib === 0 && gpus.gpu === 0)
    throw row.fault('cpu', 'the VM asks for no CPU, no memory and no GPU', 'Ask for some of one of them.');
  return { atS, op, vm, cpuMilli, memMib, ...gpus };
}

function gpusOf(row: Row): Pick<TraceVm, 'gpu' | 'gpuMilli' | 'gpuModels'> {
  const gpu = row.count('gpu', 0);
  const gpuMilli = row.count('gpu_milli', gpu === 0 ? 0 : 1000);
  if (gpu === 0) {
    if (gpuMilli === 0) return { gpu, gpuMilli, gpuModels: [] };
    throw row.fault('gpu_milli', `is ${gpuMilli} while gpu is 0`, 'Write 1 in gpu for a share, or 0 here.');
  }
  if (gpuMilli === 0 || gpuMilli > 1000)
    throw row.fault('gpu_milli', `${gpuMilli} is no share of a GPU`, 'Write 1 to 1000; 1000 is a whole GPU.');
  if (gpu > 1 && gpuMilli < 1000)
    throw row.fault(
      'gpu_milli',
      `is ${gpuMilli} while gpu is ${gpu}`,
      'Only one GPU can be shared: write 1000.',
    );
  if (gpu > 1024) throw row.fault('gpu', `${gpu} is more than any host has`, 'Write 1024 at most.');
  const models = row
    .text('gpu_model')
    .split('|')
    .map(model => model.trim());
  return { gpu, gpuMilli, gpuModels: [...new Set(models)].filter(model => model !== '').sort() };
}
