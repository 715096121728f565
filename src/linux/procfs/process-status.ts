import { fieldLines, kibField, readProc } from './read-proc.ts';

/** Who a process is and what it holds. Source: proc_pid_status(5). */
export interface ProcessStatus {
  /** As in `command` of its stat, with what the kernel escapes put back. */
  readonly name: string;
  /** Real, effective, saved, and for files. */
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  readonly threads: number;
  /** Who traces it; 0 for nobody. */
  readonly tracer: number;
  /** In memory now, the most so far, and of that what belongs to no file. All 0 for a kernel thread. */
  readonly rssBytes: number;
  readonly rssPeakBytes: number;
  readonly anonymousBytes: number;
  readonly swapBytes: number;
  readonly virtualBytes: number;
  readonly lockedBytes: number;
  /** Bits of the capabilities that it uses. Source: capabilities(7). */
  readonly capabilities: bigint;
  readonly seccomp: number;
  /** Times that it gave up its CPU by itself, and had to. */
  readonly voluntarySwitches: number;
  readonly forcedSwitches: number;
}

/** Errors: LinuxError ESRCH. */
export function readProcessStatus(pid: number): ProcessStatus {
  return parseProcessStatus(readProc(pid, 'status'));
}

export function parseProcessStatus(text: string): ProcessStatus {
  const fields = fieldLines(text);
  const numbers = (name: string): number[] =>
    (fields.get(name) ?? '')
      .split(/\s+/)
      .filter(one => one !== '')
      .map(Number);
  const number = (name: string): number => numbers(name)[0] ?? 0;
  return {
    name: unescaped(/^Name:\t(.*)$/m.exec(text)?.[1] ?? ''),
    uids: numbers('Uid'),
    gids: numbers('Gid'),
    groups: numbers('Groups'),
    threads: number('Threads'),
    tracer: number('TracerPid'),
    rssBytes: kibField(fields, 'VmRSS'),
    rssPeakBytes: kibField(fields, 'VmHWM'),
    anonymousBytes: kibField(fields, 'RssAnon'),
    swapBytes: kibField(fields, 'VmSwap'),
    virtualBytes: kibField(fields, 'VmSize'),
    lockedBytes: kibField(fields, 'VmLck'),
    capabilities: BigInt(`0x${fields.get('CapEff') ?? '0'}`),
    seccomp: number('Seccomp'),
    voluntarySwitches: number('voluntary_ctxt_switches'),
    forcedSwitches: number('nonvoluntary_ctxt_switches'),
  };
}

/** The kernel writes a line end in a name as `\n`, and a backslash as two. */
const unescaped = (name: string): string =>
  name.replace(/\\(n|\\)/g, (_, letter: string) => (letter === 'n' ? '\n' : '\\'));
