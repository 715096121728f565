import { LinuxError } from '../linux-error.ts';
import { libc } from '../native/libc.ts';
import { constants } from '../native/tables.ts';

/** Where sun_path begins, and how long it may be with its NUL. Source: unix(7). */
const PATH_AT = 2;
const PATH_MAX_BYTES = 108;

/** A socket for datagrams on this machine; not inherited by children. */
export function unixDatagramSocket(): number {
  const { AF_UNIX, SOCK_DGRAM, SOCK_CLOEXEC } = constants();
  return libc.socket!(AF_UNIX!, Number(SOCK_DGRAM) | Number(SOCK_CLOEXEC), 0) as number;
}

/** The address of a path, or of an abstract name when it begins with `@`. Errors: LinuxError EINVAL. */
export function unixAddress(path: string): Buffer {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`, 'utf8');
  if (!/^[@/]/.test(path) || name.length > PATH_MAX_BYTES)
    throw new LinuxError(
      'EINVAL',
      `${path} is no address of a Unix socket`,
      `It begins with / or @ and has at most ${PATH_MAX_BYTES - 1} bytes.`,
    );
  const address = Buffer.alloc(PATH_AT + name.length);
  address.writeUInt16LE(Number(constants().AF_UNIX), 0);
  name.copy(address, PATH_AT);
  return address;
}
