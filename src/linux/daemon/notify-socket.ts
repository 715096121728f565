import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ErrnoError } from '../native/errno.ts';
import { libc } from '../native/libc.ts';
import { receiveInto } from '../native/receive.ts';
import { struct } from '../native/structs.ts';
import { constants } from '../native/tables.ts';
import { unixAddress, unixDatagramSocket } from './unix-datagram.ts';

const DATAGRAM_MAX_BYTES = 64 * 1024;
/** How soon a socket that waits finds out that it is no longer wanted. */
const WAIT_MS = 50;

/** The other end of sd_notify(3): a socket, in a folder that only this user may enter, that a daemon tells of itself by. */
export class NotifySocket implements Disposable {
  readonly path: string;
  readonly #folder: string;
  readonly #fd: number;
  readonly #into = Buffer.alloc(DATAGRAM_MAX_BYTES);

  /** Errors: ErrnoError. */
  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'notify-'));
    this.path = join(this.#folder, 'socket');
    this.#fd = unixDatagramSocket();
    const { SOL_SOCKET, SO_RCVTIMEO } = constants();
    const wait = Object.assign(struct('timeval'), { tv_usec: 1000 * WAIT_MS });
    libc.setsockopt!(this.#fd, SOL_SOCKET!, SO_RCVTIMEO!, wait, wait.length);
    const address = unixAddress(this.path);
    libc.bind!(this.#fd, address, address.length);
  }

  /** What was told next, by name; empty when nothing came for a moment. */
  async next(): Promise<ReadonlyMap<string, string>> {
    const bytes = await receiveInto(this.#fd, this.#into);
    if (bytes < 0) throw new ErrnoError('recv', -bytes, String(libc.strerror!(-bytes)));
    const lines = this.#into.toString('utf8', 0, bytes).split('\n').filter(Boolean);
    return new Map(
      lines.map(line => {
        const at = line.indexOf('=');
        return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  }

  /** Not while `next` waits. */
  [Symbol.dispose](): void {
    libc.close!(this.#fd);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
