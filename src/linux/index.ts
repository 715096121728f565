/** What programs import from `coax/linux`: running programs as Coax runs them, and looking at the memory of others. Knows nothing of Coax. */
export { LinuxError } from './linux-error.ts';
export { type MemoryOfMapping, type MemoryUse, memoryUse } from './memory/memory-use.ts';
export type { Repeat } from './memory/repeats.ts';
export { type MemorySearch, type MemorySearchOptions, searchMemory } from './memory/search-memory.ts';
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
export { type Mapping, readSmaps } from './procfs/smaps.ts';
