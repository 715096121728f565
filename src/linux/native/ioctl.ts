import { LinuxError } from '../linux-error.ts';

/** Places of the parts of a request's number. Source: asm-generic/ioctl.h, as on x86-64 and arm64. */
const NUMBER_BITS = 8;
const TYPE_BITS = 8;
const SIZE_BITS = 14;
const NONE = 0;
const WRITE = 1;
const READ = 2;

export interface IoctlRequest {
  readonly direction: 'none' | 'read' | 'write' | 'read and write';
  readonly type: string;
  readonly number: number;
  /** Bytes of what is handed over. */
  readonly bytes: number;
}

function encode(direction: number, type: string | number, number: number, bytes: number): number {
  const letter = typeof type === 'string' ? type.charCodeAt(0) : type;
  const isWhole = [letter, number, bytes].every(part => Number.isInteger(part) && part >= 0);
  if (
    !isWhole ||
    letter > 255 ||
    number > 255 ||
    bytes >= 2 ** SIZE_BITS ||
    (typeof type === 'string' && type.length !== 1)
  )
    throw new LinuxError(
      'EINVAL',
      `no request has type ${JSON.stringify(type)}, number ${number} and ${bytes} bytes`,
    );
  const high = (direction << SIZE_BITS) | bytes;
  return ((high << (NUMBER_BITS + TYPE_BITS)) | (letter << NUMBER_BITS) | number) >>> 0;
}

/** The numbers of ioctl(2) requests, as the macros of those names make them: `_IOR('T', 210, 4)`. `type`: a letter or its code. */
export const _IO = (type: string | number, number: number): number => encode(NONE, type, number, 0);
export const _IOR = (type: string | number, number: number, bytes: number): number =>
  encode(READ, type, number, bytes);
export const _IOW = (type: string | number, number: number, bytes: number): number =>
  encode(WRITE, type, number, bytes);
export const _IOWR = (type: string | number, number: number, bytes: number): number =>
  encode(READ | WRITE, type, number, bytes);

/** What a number asks for. Old requests, such as SIOCGIFMTU, were numbered otherwise and mean nothing here. */
export function ioctlRequest(value: number): IoctlRequest {
  const directions = ['none', 'write', 'read', 'read and write'] as const;
  return {
    direction: directions[(value >>> 30) & 3]!,
    type: String.fromCharCode((value >>> NUMBER_BITS) & 0xff),
    number: value & 0xff,
    bytes: (value >>> (NUMBER_BITS + TYPE_BITS)) & (2 ** SIZE_BITS - 1),
  };
}
