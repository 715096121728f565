import { usualDataDir } from '../../data-dir.ts';
import type { Output } from '../../output/output.ts';

export interface UpOptions {
  readonly detach?: boolean;
  readonly simulate?: boolean;
  readonly modules?: readonly string[];
  readonly flows?: readonly string[];
  readonly listen?: string;
  readonly allowRemote?: boolean;
  readonly grace?: number;
}

/** Says where it is and what to try. */
export function printUp(out: Output, url: string, pid: number, dataDir: string, options: UpOptions): void {
  out.fields([
    ['server', out.style('bold', url)],
    ['note', options.simulate ? out.style('yellow', 'SIMULATED: no real VM runs') : null],
    ['pid', pid],
    ['data', dataDir],
  ]);
  // Another data directory must be named again by every later command.
  const data = usualDataDir() === dataDir ? '' : ` --data ${dataDir}`;
  const tries = ['coax run create_vm cpu=1 mem=256 --wait', 'coax log @', 'coax vm ls'];
  out.hint(['', 'Try:', ...tries.map(command => `  ${command}${data}`)].join('\n'));
}
