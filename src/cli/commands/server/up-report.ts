import { existsSync } from 'node:fs';
import type { ProcessRole } from '../../compose/process-options.ts';
import { usualDataDir } from '../../data-dir.ts';
import type { Output } from '../../output/output.ts';

export interface UpOptions {
  readonly role?: ProcessRole;
  readonly detach?: boolean;
  readonly simulate?: boolean;
  readonly modules?: readonly string[];
  readonly flows?: readonly string[];
  readonly listen?: string;
  readonly allowRemote?: boolean;
  readonly cgiBin?: string;
  readonly peerUrl?: string;
  readonly trustProxy?: readonly string[];
  readonly linger?: number;
  readonly lease?: number;
  readonly grace?: number;
  readonly retain?: number;
  readonly archive?: string;
  readonly packages?: string;
  readonly repositoryGc?: number;
  readonly placement?: string;
  readonly secretKeyFile?: string;
  readonly oidc?: string;
  readonly webhookAllow?: readonly string[];
  readonly lostAfter?: number;
  readonly limit?: readonly string[];
}

/** What was started: where it listens if it does, and its name among the workers. */
export interface Started {
  readonly url: string | null;
  readonly name?: string;
  readonly pid?: number;
}

function absentFolders({ modules = [], flows = [], cgiBin }: UpOptions): string[] {
  return [...modules, ...flows, ...(cgiBin === undefined ? [] : [cgiBin])].filter(dir => !existsSync(dir));
}

/** Says where it is and what to try. */
export function printUp(
  out: Output,
  { url, name, pid = process.pid }: Started,
  dataDir: string,
  options: UpOptions,
): void {
  const isWorker = options.role === 'worker';
  out.fields([
    [isWorker ? 'worker' : 'server', out.style('bold', isWorker ? (name ?? '') : (url ?? ''))],
    ['health', isWorker && url !== null ? `${url}/readyz` : null],
    ['note', options.simulate ? out.style('yellow', 'SIMULATED: no real VM runs') : null],
    // They may come later, or were mistyped.
    ...absentFolders(options).map(
      dir => ['note', out.style('yellow', `there is no folder ${dir} yet`)] as const,
    ),
    ['pid', pid],
    ['data', dataDir],
  ]);
  if (isWorker) return;
  // Another data directory must be named again by every later command.
  const data = usualDataDir() === dataDir ? '' : ` --data ${dataDir}`;
  const tries = ['coax run create_vm cpu=1 mem=256 --wait', 'coax log @', 'coax vm ls'];
  out.hint(['', 'Try:', ...tries.map(command => `  ${command}${data}`)].join('\n'));
}
