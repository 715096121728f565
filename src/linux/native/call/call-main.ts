/**
 * A process for one call: reads it from standard input, makes it, writes what came of it. What the function does to its process (a crash,
 * an endless loop, exit) it does to this one. What it prints goes to standard error, so that nothing stands beside the answer.
 */
import { readFileSync, writeSync } from 'node:fs';
import koffi from 'koffi';
import { LinuxError } from '../../linux-error.ts';
import { ErrnoError, errnoName } from '../errno.ts';
import { libc } from '../libc.ts';
import { openLibrary } from '../library.ts';
import { constants } from '../tables.ts';
import type { CallAnswer, CallRequest } from './call-words.ts';

function answerOf({ file, name, row, args }: CallRequest): CallAnswer {
  const rooms: Buffer[] = [];
  const given = args.map(arg => {
    if (typeof arg !== 'object' || arg === null) return arg;
    const room = Buffer.alloc(arg.room);
    rooms.push(room);
    return room;
  });
  const told = (result: unknown, errno: number): CallAnswer => ({
    result: plain(result),
    errno,
    errnoName: errno === 0 ? '' : errnoName(errno),
    errnoText: errno === 0 ? '' : String(libc.strerror!(errno)),
    texts: rooms.map(textOf),
  });
  try {
    const call = openLibrary(file, new Map([[name, row]]))[name]!;
    const result = call(...given);
    const errno = koffi.errno();
    return told(result, errno);
  } catch (error) {
    if (error instanceof ErrnoError) return told(/^i/.test(row[1]) ? -1 : null, error.errno);
    if (error instanceof LinuxError) return { refused: { code: error.code, reason: error.message } };
    throw error;
  }
}

function plain(value: unknown): string | number | boolean | null {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string' ? value : null;
}

function textOf(room: Buffer): string {
  const end = room.indexOf(0);
  return room.toString('utf8', 0, end < 0 ? room.length : end);
}

const answerTo = libc.fcntl!(1, constants().F_DUPFD_CLOEXEC!, 3) as number;
libc.dup2!(2, 1);
const answer = answerOf(JSON.parse(readFileSync(0, 'utf8')) as CallRequest);
libc.fflush!(null);
writeSync(answerTo, JSON.stringify(answer));
