import { readFile } from 'node:fs/promises';
import { procFault } from './proc-fault.ts';
import { fieldLines, kibField, readProc } from './read-proc.ts';

/** The memory of a process, all mappings together, in bytes. Source: proc_pid_smaps(5). */
export interface MemoryRollup {
  readonly rssBytes: number;
  /** Each page divided by how many processes share it: the sum over all processes is what is really used. */
  readonly pssBytes: number;
  /** Of `pssBytes`: of no file, of files, and of memory that is shared. */
  readonly pssAnonymousBytes: number;
  readonly pssFileBytes: number;
  readonly pssSharedBytes: number;
  /** Nobody else has it, and it was changed. */
  readonly privateDirtyBytes: number;
  readonly swapBytes: number;
  readonly swapPssBytes: number;
  readonly lockedBytes: number;
}

/** The kernel walks all pages: about 10 ms a gigabyte. Errors: LinuxError ESRCH, also for a kernel thread; EACCES. */
export function readRollup(pid: number): MemoryRollup {
  return parseRollup(readProc(pid, 'smaps_rollup'));
}

/** The same without holding up what else this process does. */
export async function readRollupAside(pid: number): Promise<MemoryRollup> {
  let text: string;
  try {
    text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  } catch (error) {
    throw procFault(pid, 'smaps_rollup', error);
  }
  return parseRollup(text);
}

function parseRollup(text: string): MemoryRollup {
  const fields = fieldLines(text);
  const bytes = (name: string): number => kibField(fields, name);
  return {
    rssBytes: bytes('Rss'),
    pssBytes: bytes('Pss'),
    pssAnonymousBytes: bytes('Pss_Anon'),
    pssFileBytes: bytes('Pss_File'),
    pssSharedBytes: bytes('Pss_Shmem'),
    privateDirtyBytes: bytes('Private_Dirty'),
    swapBytes: bytes('Swap'),
    swapPssBytes: bytes('SwapPss'),
    lockedBytes: bytes('Locked'),
  };
}
