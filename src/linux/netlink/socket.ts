import { ErrnoError } from '../native/errno.ts';
import { libc } from '../native/libc.ts';
import { receiveInto } from '../native/receive.ts';
import { struct } from '../native/structs.ts';
import { constants } from '../native/tables.ts';
import {
  messagesIn,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  request,
  type WireMessage,
} from './wire.ts';

const RECEIVE_BYTES = 256 * 1024;
/** The kernel's own buffer for changes: where it overflows, changes are lost and that is told. */
const BUFFER_BYTES = 4 * 1024 * 1024;
/** How soon a socket that waits finds out that it is no longer wanted. */
const WAIT_MS = 200;
const DUMP_TRIES = 10;

/** A netlink socket: questions with their answers, or the changes of some groups. Errors: ErrnoError. */
export class NetlinkSocket implements Disposable {
  readonly #fd: number;
  readonly #into = Buffer.alloc(RECEIVE_BYTES);
  #sequence = 0;

  /** `groups`: as in RTMGRP_LINK, one bit each. */
  constructor(protocol: number, groups = 0) {
    const { AF_NETLINK, SOCK_RAW, SOCK_CLOEXEC, SOL_SOCKET, SO_RCVTIMEO, SO_RCVBUF } = constants();
    this.#fd = libc.socket!(AF_NETLINK!, Number(SOCK_RAW) | Number(SOCK_CLOEXEC), protocol) as number;
    try {
      const address = Object.assign(struct('sockaddr_nl'), { nl_family: AF_NETLINK!, nl_groups: groups });
      libc.bind!(this.#fd, address, address.length);
      const wait = Object.assign(struct('timeval'), { tv_usec: 1000 * WAIT_MS });
      libc.setsockopt!(this.#fd, SOL_SOCKET!, SO_RCVTIMEO!, wait, wait.length);
      const room = Buffer.alloc(4);
      room.writeInt32LE(BUFFER_BYTES);
      if (groups !== 0) libc.setsockopt!(this.#fd, SOL_SOCKET!, SO_RCVBUF!, room, room.length);
    } catch (error) {
      libc.close!(this.#fd);
      throw error;
    }
  }

  /** All that the kernel has of a kind; asked again when it changed meanwhile. */
  async dump(type: number, content: Uint8Array): Promise<WireMessage[]> {
    for (let turn = 1; ; turn += 1) {
      const answers = await this.#ask(type, NLM_F_DUMP, content);
      const isWhole = answers.every(({ flags }) => (flags & NLM_F_DUMP_INTR) === 0);
      if (isWhole || turn === DUMP_TRIES) return answers;
    }
  }

  /** One question with one answer. */
  async ask(type: number, content: Uint8Array): Promise<WireMessage> {
    return (await this.#ask(type, 0, content))[0]!;
  }

  /** What comes next of the groups, or nothing for a moment. */
  async next(): Promise<WireMessage[]> {
    const bytes = await this.#receive();
    return bytes === 0 ? [] : [...messagesIn(Buffer.from(this.#into.subarray(0, bytes)))];
  }

  async #ask(type: number, flags: number, content: Uint8Array): Promise<WireMessage[]> {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const message = request(type, NLM_F_REQUEST | flags, sequence, content);
    libc.send!(this.#fd, message, message.length, 0);
    const answers: WireMessage[] = [];
    for (;;) {
      for (const answer of await this.next()) {
        if (answer.sequence !== sequence) continue;
        if (answer.type === NLMSG_DONE) return answers;
        if (answer.type === NLMSG_ERROR) {
          const errno = -answer.content.readInt32LE(0);
          if (errno !== 0) throw new ErrnoError('netlink', errno, String(libc.strerror!(errno)));
          return answers;
        }
        answers.push(answer);
        if (flags === 0) return answers;
      }
    }
  }

  /** Bytes received; 0 when none came for a moment. Waits in a thread of its own. */
  async #receive(): Promise<number> {
    const bytes = await receiveInto(this.#fd, this.#into);
    if (bytes >= 0) return bytes;
    throw new ErrnoError('recv', -bytes, String(libc.strerror!(-bytes)));
  }

  [Symbol.dispose](): void {
    libc.close!(this.#fd);
  }
}
