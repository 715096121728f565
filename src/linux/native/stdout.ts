import koffi from 'koffi';
import { libc } from './libc.ts';

let stream: bigint | null = null;

/** Writes what C has printed and still holds; other streams keep what is in their buffers, as they would in a program in C. */
export function flushStdout(): void {
  stream ??= koffi.decode(koffi.load('libc.so.6').symbol('stdout', 'void *'), 'void *') as bigint;
  libc.fflush!(stream);
}
