import { readdirSync, readFileSync } from 'node:fs';
import { signalGroup } from './group.ts';
import type { ProcessSpec } from './process-spec.ts';

/**
 * Kills what a spawner had started but did not live to report: its forks that have not yet become another program (they
 * still carry the token in their command line), and the programs that have exactly the arguments and the environment of
 * one of these runs.
 */
export function endOrphans(token: string, specs: readonly ProcessSpec[]): void {
  const wanted = new Map(specs.map(spec => [environmentBytes(spec), spec]));
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
      if (command.includes(token) || isOne(pid, command, wanted)) killProcess(pid);
    } catch {
      // it has ended, or belongs to somebody else
    }
  }
}

function isOne(pid: number, command: string, wanted: ReadonlyMap<string, ProcessSpec>): boolean {
  const spec = wanted.get(readFileSync(`/proc/${pid}/environ`, 'latin1'));
  // Behind the interpreter of its first line, a script's command line still has its path and arguments.
  return spec !== undefined && command.endsWith(`${latin1([spec.program, ...spec.args].join('\0'))}\0`);
}

function environmentBytes(spec: ProcessSpec): string {
  return latin1(
    Object.entries(spec.env)
      .map(([name, value]) => `${name}=${value}\0`)
      .join(''),
  );
}

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function killProcess(pid: number): void {
  if (signalGroup(pid, 'SIGKILL')) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone
  }
}
