/**
 * Frames of the connection by which a host's agent carries the serial lines of its guests: a byte that says what it is, the
 * number of the line (4 bytes, big end first), and what belongs to it.
 */
export const FRAME = {
  /** Server to host: open a line; JSON of OpenCall. */
  open: 1,
  /** Host to server: it is open. */
  opened: 2,
  /** Bytes, either way. */
  data: 3,
  /** Either way: the line is over; a text says why. */
  close: 4,
  /** Server to host: what did it show last? JSON of OpenCall; answered by data, then close without a text. */
  tail: 5,
  /** Server to host: whoever watches reads more slowly than the guest writes; the line is not read until `resume`. */
  pause: 6,
  resume: 7,
} as const;
export type FrameKind = (typeof FRAME)[keyof typeof FRAME];

export interface OpenCall {
  readonly uuid: string;
  readonly bytes: number;
}

export interface Frame {
  readonly kind: number;
  readonly line: number;
  readonly body: Buffer;
}

/** A connection that carries frames. */
export interface FrameLink {
  send(frame: Buffer): void;
  /** Bytes that wait to be sent. */
  buffered(): number;
}

/** Of a frame's body: the other end takes no longer ones. */
const BODY_BYTES_MAX = 60 * 1024;
const HEAD_BYTES = 5;

export function makeFrame(kind: FrameKind, line: number, body: Buffer | string = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const frame = Buffer.alloc(HEAD_BYTES + bytes.length);
  frame[0] = kind;
  frame.writeUInt32BE(line, 1);
  bytes.copy(frame, HEAD_BYTES);
  return frame;
}

/** Null for what is no frame. */
export function readFrame(bytes: Buffer): Frame | null {
  if (bytes.length < HEAD_BYTES) return null;
  return { kind: bytes[0]!, line: bytes.readUInt32BE(1), body: bytes.subarray(HEAD_BYTES) };
}

/** Bytes as frames of data, none too long. */
export function* dataFrames(line: number, bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += BODY_BYTES_MAX)
    yield makeFrame(FRAME.data, line, bytes.subarray(at, at + BODY_BYTES_MAX));
}
