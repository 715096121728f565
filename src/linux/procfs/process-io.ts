import { fieldLines, readProc } from './read-proc.ts';

/** What a process has read and written, with all its threads. Source: proc_pid_io(5). */
export interface ProcessIo {
  /** Through calls such as read(2), also from the cache, a pipe or a terminal. */
  readonly calledReadBytes: number;
  readonly calledWriteBytes: number;
  readonly readCalls: number;
  readonly writeCalls: number;
  /** What was fetched from a disk for it, and what it will have brought to one. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** Of `writtenBytes`: what was taken back before it was brought there, as by deleting the file. */
  readonly cancelledBytes: number;
}

/** Errors: LinuxError ESRCH; EACCES for the process of another user. */
export function readProcessIo(pid: number): ProcessIo {
  const fields = fieldLines(readProc(pid, 'io'));
  const number = (name: string): number => Number(fields.get(name) ?? 0);
  return {
    calledReadBytes: number('rchar'),
    calledWriteBytes: number('wchar'),
    readCalls: number('syscr'),
    writeCalls: number('syscw'),
    readBytes: number('read_bytes'),
    writtenBytes: number('write_bytes'),
    cancelledBytes: number('cancelled_write_bytes'),
  };
}
