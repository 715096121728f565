import { CoaxError, textOf } from '../../errors/coax-error.ts';

/** A fault that goes on (a full disk) is told once a second, not thousands of times. */
export function reportOnce(log: (line: string) => void): (error: unknown) => void {
  let last = '';
  let at = 0;
  return error => {
    const line = error instanceof CoaxError ? `${error.code}: ${error.reason}` : `defect: ${textOf(error)}`;
    const now = performance.now();
    if (line === last && now - at < 1000) return;
    last = line;
    at = now;
    log(line);
    if (!(error instanceof CoaxError) && error instanceof Error) log(String(error.stack));
  };
}
