import { fileURLToPath } from 'node:url';
import type { ProcessSpec } from '../../process/process-spec.ts';
import type { CallRequest } from './call-words.ts';

const MAIN = fileURLToPath(new URL('./call-main.ts', import.meta.url));

/** The program that makes one call, and what it reads: to be run as any other program, with its limits. */
export function callProgram(request: CallRequest): Pick<ProcessSpec, 'program' | 'args' | 'input'> {
  return {
    program: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', MAIN],
    input: JSON.stringify(request),
  };
}
