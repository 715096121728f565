import { LinuxError } from '../linux-error.ts';

/** What reading a file of a process came to, said so that it helps. Source: proc(5), ptrace(2) "Ptrace access mode checking". */
export function procFault(pid: number, file: string, error: unknown): LinuxError {
  const { code = 'EIO' } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ESRCH') return new LinuxError('ESRCH', `there is no process ${pid}`);
  if (code === 'EACCES' || code === 'EPERM') {
    return new LinuxError(
      code,
      `/proc/${pid}/${file} of another's process may not be read`,
      'Run it as root or as the owner of the process; kernel.yama.ptrace_scope may have to be 0, too.',
    );
  }
  return new LinuxError(code, `/proc/${pid}/${file} cannot be read: ${code}`);
}
