import { ErrnoError } from '../native/errno.ts';
import { libc } from '../native/libc.ts';
import { constants } from '../native/tables.ts';
import { unixAddress, unixDatagramSocket } from './unix-datagram.ts';

/** What a daemon says of itself, by the names of sd_notify(3): `{READY: 1, STATUS: 'serving'}`. */
export type NotifyFields = Readonly<Record<string, string | number>>;

const GONE = new Set(['ENOENT', 'ECONNREFUSED']);

/**
 * Tells whoever started this process (systemd, `startDaemon`) about it, as sd_notify(3) does: one datagram to the socket that
 * NOTIFY_SOCKET names, a path or an abstract name (`@…`). False when nobody asked to be told, or listens any more: who started a daemon
 * by hand hears of its start alone.
 *
 * Errors: LinuxError EINVAL for an address that is none; ErrnoError when it cannot be sent.
 */
export function notify(fields: NotifyFields, env: NodeJS.ProcessEnv = process.env): boolean {
  const where = env.NOTIFY_SOCKET;
  if (!where) return false;
  const lines = Object.entries(fields).map(([name, value]) => `${name}=${oneLine(String(value))}`);
  const text = Buffer.from(lines.join('\n'), 'utf8');
  const address = unixAddress(where);
  const socket = unixDatagramSocket();
  try {
    libc.sendto!(socket, text, text.length, constants().MSG_NOSIGNAL!, address, address.length);
    return true;
  } catch (error) {
    if (error instanceof ErrnoError && GONE.has(error.code)) return false;
    throw error;
  } finally {
    libc.close!(socket);
  }
}

/** A line break would begin another field. */
const oneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ');

/** It serves from now on. */
export const notifyReady = (status = ''): boolean =>
  notify({ READY: 1, ...(status && { STATUS: status }), MAINPID: process.pid });

/** It ends; what is under way is still done. */
export const notifyStopping = (status = ''): boolean =>
  notify({ STOPPING: 1, ...(status && { STATUS: status }) });

/** It takes up something new, such as a log file; `notifyReady` says that it has. */
export const notifyReloading = (): boolean =>
  notify({ RELOADING: 1, MONOTONIC_USEC: String(process.hrtime.bigint() / 1000n) });

/** What it does, in a line for people: `systemctl status` shows it. */
export const notifyStatus = (status: string): boolean => notify({ STATUS: status });
