import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { ErrnoError } from '../../src/linux/native/errno.ts';
import { libc } from '../../src/linux/native/libc.ts';
import { struct } from '../../src/linux/native/structs.ts';
import { constants } from '../../src/linux/native/tables.ts';
import { runProcess } from '../../src/linux/process/run-process.ts';
import { plainRow, type Row } from '../row.ts';
import { careful, wait } from './careful.ts';

const CHILD_SECONDS = 2;

/** A listening socket as a library in C may open it: a child inherits it. Gives its descriptor; port 0 takes any. */
function listenOn(port: number): number {
  const { AF_INET, SOCK_STREAM } = constants();
  const fd = libc.socket!(AF_INET!, SOCK_STREAM!, 0) as number;
  const address = Object.assign(struct('sockaddr_in'), { sin_family: AF_INET! });
  address.writeUInt16BE(port, 2);
  address.writeUInt32BE(0x7f000001, 4);
  try {
    libc.bind!(fd, address, address.length);
    libc.listen!(fd, 1);
    return fd;
  } catch (error) {
    libc.close!(fd);
    throw error;
  }
}

function portOf(fd: number): number {
  const address = struct('sockaddr_in');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  libc.getsockname!(fd, address, length);
  return address.readUInt16BE(2);
}

/** For how long the port cannot be listened on again, after its server has closed it and left a child behind. */
async function busyMs(start: () => Promise<{ pid: number }>): Promise<{ busyMs: number; inherited: number }> {
  const fd = listenOn(0);
  const port = portOf(fd);
  const { pid } = await start();
  const inherited = readdirSync(`/proc/${pid}/fd`).filter(name => Number(name) === fd).length;
  libc.close!(fd);
  const began = performance.now();
  for (;;) {
    try {
      libc.close!(listenOn(port));
      return { busyMs: performance.now() - began, inherited };
    } catch (error) {
      if (!(error instanceof ErrnoError) || error.code !== 'EADDRINUSE') throw error;
      await wait(5);
    }
  }
}

async function startBare(): Promise<{ pid: number }> {
  const child = spawn('sleep', [String(CHILD_SECONDS)], { stdio: 'ignore' });
  await new Promise(resolve => child.once('spawn', resolve));
  await wait(50);
  return { pid: child.pid! };
}

async function startCareful(): Promise<{ pid: number }> {
  return await new Promise(resolve => {
    const onStderrLine = (line: string): void => resolve({ pid: Number(line) });
    void runProcess(careful(`echo $$ >&2; exec sleep ${CHILD_SECONDS}`), { onStderrLine });
  });
}

/** A descriptor without close-on-exec goes on in every child, and with it the port. */
export async function measureDescriptor(): Promise<Row[]> {
  const bare = await busyMs(startBare);
  const careful = await busyMs(startCareful);
  return [
    plainRow('a child by bare spawn inherits a socket that C has opened', bare.inherited, 'of 1'),
    plainRow(`the port is free again, with a child that lives ${CHILD_SECONDS} s`, bare.busyMs, 'ms'),
    plainRow('a child of Coax inherits it', careful.inherited, 'of 1'),
    plainRow('the port is free again, with such a child', careful.busyMs, 'ms'),
  ];
}
