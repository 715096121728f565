import { LinuxError } from '../linux-error.ts';
import { libc } from '../native/libc.ts';
import { constants } from '../native/tables.ts';

/** The first descriptor that a supervisor hands over. Source: sd_listen_fds(3). */
const FIRST = 3;

/** A socket that a supervisor has opened and listens on for us: `server.listen({ fd })`. */
export interface ListenDescriptor {
  readonly fd: number;
  /** FileDescriptorName= of the unit; `unknown` when it has none. */
  readonly name: string;
}

/**
 * The sockets that this process was started with (LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES: sd_listen_fds(3)), none when they are for
 * another process. They are marked close-on-exec, so no child holds a port open, and the variables are taken out of `env`: a second call
 * finds nothing.
 *
 * Errors: LinuxError EINVAL when the variables make no sense, EBADF for a descriptor that is not open.
 */
export function listenDescriptors(env: NodeJS.ProcessEnv = process.env): ListenDescriptor[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names = '' } = env;
  if (pid === undefined || count === undefined || Number(pid) !== process.pid) return [];
  for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES']) delete env[name];
  if (!/^\d{1,4}$/.test(count))
    throw new LinuxError('EINVAL', `LISTEN_FDS is ${JSON.stringify(count)}, not a number of descriptors`);
  const named = names === '' ? [] : names.split(':');
  if (named.length > 0 && named.length !== Number(count))
    throw new LinuxError(
      'EINVAL',
      `LISTEN_FDNAMES names ${named.length} descriptors, and there are ${count}`,
    );
  return Array.from({ length: Number(count) }, (_, index) => {
    const fd = FIRST + index;
    const { F_SETFD, FD_CLOEXEC } = constants();
    libc.fcntl!(fd, F_SETFD!, FD_CLOEXEC!);
    return { fd, name: named[index] || 'unknown' };
  });
}
