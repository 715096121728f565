/** Names the log file of a process that was started in the background. */
export const LOG_FILE_VARIABLE = 'COAX_DAEMON_LOG';

/** What whoever started this process hears of it: systemd, another supervisor, or the command that put it in the background. */
export interface Service extends Disposable {
  /** It serves. */
  ready(status: string): void;
  status(text: string): void;
  /** It takes longer than others until it serves: an hour more. */
  busy(text: string): void;
  stopping(status: string): void;
}

const UNHEARD: Service = { ready() {}, status() {}, busy() {}, stopping() {}, [Symbol.dispose]() {} };
const HOUR_US = 3_600_000_000;

/**
 * Tells a supervisor of this process by sd_notify(3), at its watchdog's pace too if it has one, and opens the log of a process in the
 * background anew at SIGHUP. Does nothing where nobody asked. `log` is told of what fails: a supervisor that cannot be reached is no
 * reason to end.
 */
export async function openService(log: (line: string) => void): Promise<Service> {
  const logFile = process.env[LOG_FILE_VARIABLE];
  if (logFile === undefined && !process.env.NOTIFY_SOCKET) return UNHEARD;
  const { notify, notifyReady, notifyStatus, notifyStopping } = await import('../../linux/daemon/notify.ts');
  const { reopenLogOnHangUp } = await import('../../linux/daemon/log-file.ts');
  const { startWatchdog } = await import('../../linux/daemon/watchdog.ts');
  // What it starts is another process.
  delete process.env[LOG_FILE_VARIABLE];
  const opened = new DisposableStack();
  const tell = (say: () => void): void => {
    try {
      say();
    } catch (error) {
      log(`the supervisor was not told: ${(error as Error).message}`);
    }
  };
  const onFault = (error: unknown): void => log(`the log was not opened anew: ${(error as Error).message}`);
  if (logFile !== undefined) opened.use(reopenLogOnHangUp(logFile, onFault));
  return {
    ready(status) {
      tell(() => {
        notifyReady(status);
        opened.use(startWatchdog());
      });
    },
    status: text => tell(() => notifyStatus(text)),
    busy: text => tell(() => notify({ EXTEND_TIMEOUT_USEC: HOUR_US, STATUS: text })),
    stopping: status => tell(() => notifyStopping(status)),
    [Symbol.dispose]: () => opened.dispose(),
  };
}
