/** Netlink's messages and attributes, in the byte order of the machine. Source: netlink(7), rtnetlink(7), linux/netlink.h. */

const HEADER = 16;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 0x1;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
/** Bits of an attribute's type that say how it is kept. */
const TYPE_MASK = 0x3fff;

export interface WireMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** What follows the header. */
  readonly content: Buffer;
}

const aligned = (bytes: number): number => (bytes + 3) & ~3;

export function request(type: number, flags: number, sequence: number, content: Uint8Array): Buffer {
  const message = Buffer.alloc(HEADER + content.length);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  message.set(content, HEADER);
  return message;
}

export function* messagesIn(datagram: Buffer): Generator<WireMessage> {
  for (let at = 0; at + HEADER <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER || at + length > datagram.length) return;
    yield {
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      content: datagram.subarray(at + HEADER, at + length),
    };
    at += aligned(length);
  }
}

/** Attributes by their type; of several of one type the last. */
export function attributesIn(bytes: Buffer, from: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = aligned(from); at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > bytes.length) break;
    found.set(bytes.readUInt16LE(at + 2) & TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += aligned(length);
  }
  return found;
}

export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(aligned(4 + value.length));
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(value, 4);
  return bytes;
}

/** A text with its NUL, or empty. */
export const textOf = (value: Buffer | undefined): string =>
  value?.toString('utf8').replace(/\0+$/, '') ?? '';
export const u32Of = (value: Buffer | undefined): number | null =>
  value === undefined || value.length < 4 ? null : value.readUInt32LE(0);

/** `10.0.0.1` or `fe80::1`; empty where there is none. */
export function addressText(value: Buffer | undefined): string {
  if (value?.length === 4) return [...value].join('.');
  if (value?.length !== 16) return '';
  const groups = Array.from({ length: 8 }, (_, index) => value.readUInt16BE(2 * index).toString(16));
  const zeroes = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort(
    (a, b) => b[0].length - a[0].length,
  )[0];
  if (zeroes === undefined) return groups.join(':');
  const whole = groups.join(':');
  const before = whole.slice(0, zeroes.index);
  const after = whole.slice(zeroes.index + zeroes[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

/** `02:00:00:00:00:01`; empty where there is none. */
export const macText = (value: Buffer | undefined): string =>
  value === undefined ? '' : Array.from(value, byte => byte.toString(16).padStart(2, '0')).join(':');
