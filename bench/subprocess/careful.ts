import type { ProcessSpec } from '../../src/linux/process/process-spec.ts';

/** A script as Coax runs programs. */
export function careful(script: string, more: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    program: '/bin/sh',
    args: ['-c', script],
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    input: '',
    stdoutMaxBytes: 256 * 1024 * 1024,
    stderrTailBytes: 4096,
    timeoutMs: 60_000,
    graceMs: 500,
    ...more,
  };
}

export const wait = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));
