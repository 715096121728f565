import koffi from 'koffi';
import { constants } from './tables.ts';

type Receive = { async(...args: unknown[]): void };

let receive: Receive | null = null;

/**
 * Bytes of the next datagram of a socket, received in a thread of its own; 0 when none came within the socket's SO_RCVTIMEO; the errno
 * as a negative number when it failed.
 */
export async function receiveInto(fd: number, into: Uint8Array): Promise<number> {
  receive ??= koffi
    .load('libc.so.6')
    .func('recv', 'int64_t', ['int32_t', 'void *', 'uint64_t', 'int32_t']) as never;
  const bytes = await new Promise<number>((resolve, reject) => {
    receive!.async(fd, into, BigInt(into.length), 0, (error: unknown, got: number) => {
      if (error) reject(error as Error);
      else if (got >= 0) resolve(got);
      else resolve(-koffi.errno());
    });
  });
  const { EAGAIN, EINTR } = constants();
  return -bytes === EAGAIN || -bytes === EINTR ? 0 : bytes;
}
