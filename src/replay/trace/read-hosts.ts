import { CoaxError } from '../../errors/coax-error.ts';
import { readRows } from './read-rows.ts';

/** A host of a trace. */
export interface TraceHost {
  readonly name: string;
  readonly cpuMilli: number;
  readonly memMib: number;
  readonly gpuCount: number;
  readonly gpuModel: string;
}

/** Reads hosts. Errors: COAX_USAGE with file:line and column. */
export async function readHosts(file: string): Promise<TraceHost[]> {
  const hosts: TraceHost[] = [];
  const names = new Set<string>();
  for await (const row of readRows(file, ['host', 'cpu', 'mem_mib'])) {
    const name = row.text('host');
    if (!/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(name))
      throw row.fault(
        'host',
        `${JSON.stringify(name)} cannot name a host`,
        'Letters, digits, dots, dashes and underscores, 63 at most; the first and the last a letter or digit.',
      );
    if (names.has(name)) throw row.fault('host', `${name} stands twice`, 'Give each host a name of its own.');
    names.add(name);
    const gpuCount = row.count('gpu', 0);
    if (gpuCount > 1024) throw row.fault('gpu', `${gpuCount} is more than a host has`, 'Write 1024 at most.');
    hosts.push({
      name,
      cpuMilli: Math.round(row.amount('cpu') * 1000),
      memMib: row.count('mem_mib'),
      gpuCount,
      gpuModel: gpuCount === 0 ? '' : row.text('gpu_model'),
    });
  }
  if (hosts.length > 0) return hosts;
  throw new CoaxError('COAX_USAGE', 'no host stands in the file', {
    where: file,
    hint: 'Add a row for each host.',
  });
}

/** Equal hosts without GPUs: host-0001, host-0002, … */
export function identicalHosts(count: number, cpu: number, memMib: number): TraceHost[] {
  const digits = Math.max(4, String(count).length);
  return Array.from({ length: count }, (_, index) => ({
    name: `host-${String(index + 1).padStart(digits, '0')}`,
    cpuMilli: Math.round(cpu * 1000),
    memMib,
    gpuCount: 0,
    gpuModel: '',
  }));
}
