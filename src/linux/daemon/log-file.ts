import { closeSync, openSync } from 'node:fs';
import { libc } from '../native/libc.ts';
import { notifyReady, notifyReloading } from './notify.ts';

/** What only its owner and its group may read. */
const LOG_MODE = 0o640;

/**
 * Makes SIGHUP open the log anew: standard output and error then go to a file of that name, made if it was moved away, as logrotate
 * does. A line that was begun is ended where it began; none is lost. Disposed, SIGHUP is no longer heeded.
 */
export function reopenLogOnHangUp(path: string, onFault: (error: unknown) => void): Disposable {
  const onHangUp = (): void => {
    try {
      notifyReloading();
      redirectOutput(path);
      notifyReady();
    } catch (error) {
      // The old file is still written to.
      onFault(error);
    }
  };
  process.on('SIGHUP', onHangUp);
  return { [Symbol.dispose]: () => process.off('SIGHUP', onHangUp) };
}

/** Lays a file, opened for appending, over standard output and error. Errors: those of open(2). */
export function redirectOutput(path: string): void {
  const file = openSync(path, 'a', LOG_MODE);
  try {
    libc.dup2!(file, 1);
    libc.dup2!(file, 2);
  } finally {
    closeSync(file);
  }
}
