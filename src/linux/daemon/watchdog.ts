import { notify } from './notify.ts';

/**
 * Tells a supervisor that asked for it (WATCHDOG_USEC, sd_watchdog_enabled(3)) that this process lives, twice in the time that it gave.
 * `isWell` is asked each time, and nothing is told when it says no: the supervisor then starts the process anew. Null when nobody asked.
 * Disposed, it tells no more. It does not keep the process alive.
 */
export function startWatchdog(isWell: () => boolean = () => true): Disposable | null {
  const microseconds = watchdogMicroseconds(process.env);
  if (microseconds === null) return null;
  const tell = (): void => {
    if (isWell()) notify({ WATCHDOG: 1 });
  };
  tell();
  const timer = setInterval(tell, microseconds / 1000 / 2);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The time within which this process has to say that it lives; null when it need not. */
export function watchdogMicroseconds(env: NodeJS.ProcessEnv, pid = process.pid): number | null {
  const { WATCHDOG_USEC: text = '', WATCHDOG_PID: of = '' } = env;
  if (!/^[1-9]\d*$/.test(text) || (of !== '' && Number(of) !== pid)) return null;
  return Number(text);
}
