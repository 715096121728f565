/** What programs import from `coax/linux`: running programs as Coax runs them. Knows nothing of Coax. */
export {
  type DetachedOptions,
  type ExecEnd,
  type ExecOptions,
  exec,
  findProgram,
  ProgramMissing,
  spawnDetached,
} from './process/exec.ts';
export type {
  ProcessCause,
  ProcessEnd,
  ProcessHooks,
  ProcessSpec,
  ResourceUse,
} from './process/process-spec.ts';
export { closeSpawners, runProcess, startSpawner } from './process/run-process.ts';
