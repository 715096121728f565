import { libc } from '../native/libc.ts';
import { struct } from '../native/structs.ts';
import { constants } from '../native/tables.ts';

/**
 * A classic BPF program over the TCP header: what has SYN in its flags is dropped, all else passes. Source: bpf(4) of FreeBSD,
 * Linux `Documentation/networking/filter.rst`; RFC 9293, 3.1 for the header.
 */
const DROP_SYN: readonly (readonly [code: number, jt: number, jf: number, k: number])[] = [
  // BPF_LD | BPF_B | BPF_ABS: the flags.
  [0x30, 0, 0, 13],
  // BPF_JMP | BPF_JSET: is SYN among them?
  [0x45, 0, 1, 0x02],
  // BPF_RET: keep nothing.
  [0x06, 0, 0, 0],
  // BPF_RET: keep all.
  [0x06, 0, 0, 0xffffffff],
];

/**
 * From now on no TCP connection begins at a listening socket; those that have begun can still be accepted. Who tries is not
 * answered, so that it tries again after a second: by then the socket may be closed, and it is refused. Errors: ErrnoError.
 */
export function beginNoConnections(fd: number): void {
  const { SOL_SOCKET, SO_ATTACH_FILTER } = constants();
  const program = Buffer.concat(
    DROP_SYN.map(([code, jt, jf, k]) => Object.assign(struct('sock_filter'), { code, jt, jf, k })),
  );
  const memory = libc.malloc!(program.length) as bigint;
  try {
    libc.memcpy!(memory, program, program.length);
    const whole = Object.assign(struct('sock_fprog'), { len: DROP_SYN.length });
    // Its other member is a pointer, after padding.
    whole.writeBigUInt64LE(memory, whole.length - 8);
    libc.setsockopt!(fd, SOL_SOCKET!, SO_ATTACH_FILTER!, whole, whole.length);
  } finally {
    libc.free!(memory);
  }
}

/** How many connections have begun at a listening TCP socket that nobody has accepted yet. Source: tcp(7). Errors: ErrnoError. */
export function connectionsQueued(fd: number): number {
  const { IPPROTO_TCP, TCP_INFO } = constants();
  const info = struct('tcp_info');
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(info.length);
  libc.getsockopt!(fd, IPPROTO_TCP!, TCP_INFO!, info, bytes);
  // Of a socket that listens, the kernel counts its queue there (tcp_get_info in net/ipv4/tcp.c).
  return Number(info.tcpi_unacked);
}
