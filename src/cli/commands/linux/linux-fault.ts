import { CoaxError } from '../../../errors/coax-error.ts';
import { LinuxError } from '../../../linux/linux-error.ts';

/** What Linux refused, as an error of the command line. */
export async function told<T>(where: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    const { code, message, hint } = error;
    const more = { where, ...(hint && { hint }) };
    if (code === 'ESRCH')
      throw new CoaxError('COAX_NOT_FOUND', message, { hint: '`ps -e` lists them.', ...more });
    if (code === 'EACCES' || code === 'EPERM') throw new CoaxError('COAX_FORBIDDEN', message, more);
    throw new CoaxError('COAX_USAGE', message, more);
  }
}
