import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { libc } from '../../src/linux/native/libc.ts';
import { runProcess } from '../../src/linux/process/run-process.ts';
import { plainRow, type Row } from '../row.ts';
import { careful } from './careful.ts';

const DEADLINE_MS = 1000;
const LARGE_BYTES = 100 * 1024 * 1024;

/** Whether the process ends within the deadline; killed otherwise. */
function endsInTime(child: ChildProcess): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve(false);
    }, DEADLINE_MS);
    child.once('exit', (_, signal) => {
      clearTimeout(timer);
      if (signal === null) resolve(true);
    });
  });
}

/** Does a program that writes so much into a pipe end while nobody reads, as under "wait, then read"? */
async function endsUnread(bytes: number): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'coax-pipe-'));
  const pipe = join(folder, 'pipe');
  libc.mkfifo!(pipe, 0o600);
  const held = openSync(pipe, constants.O_RDWR);
  try {
    return await endsInTime(
      spawn('head', ['-c', String(bytes), '/dev/zero'], { stdio: ['ignore', held, 'ignore'] }),
    );
  } finally {
    closeSync(held);
    rmSync(folder, { recursive: true });
  }
}

/** The most that a program may write while nobody reads, found by halving between two sizes. */
async function mostUnread(most: number): Promise<number> {
  let [ends, blocks] = [1, most];
  // What is around 64 KiB is looked at first: there it is found in two looks.
  for (const look of [65_536, 65_537]) {
    if (await endsUnread(look)) ends = look;
    else blocks = Math.min(blocks, look);
  }
  while (blocks - ends > 1) {
    const look = Math.floor((ends + blocks) / 2);
    if (await endsUnread(look)) ends = look;
    else blocks = look;
  }
  return ends;
}

const count = (bytes: number): string => bytes.toLocaleString('en');

/** Waiting for a program before reading what it writes: it waits, too, as soon as the pipe is full. */
export async function measurePipe(quick: boolean): Promise<Row[]> {
  const large = quick ? 1024 * 1024 : LARGE_BYTES;
  const most = await mostUnread(1024 * 1024);
  const began = performance.now();
  const end = await runProcess(careful(`head -c ${large} /dev/zero`));
  const tookMs = performance.now() - began;
  if (end.code !== 0 || end.stdout.length !== large) throw new Error(end.reason);
  const blocked = (await endsUnread(most + 1)) ? 0 : 1;
  return [
    plainRow(`a program that writes ${count(most)} bytes ends although nobody reads`, 1, 'of 1'),
    plainRow(
      `one that writes ${count(most + 1)} bytes is still blocked after ${DEADLINE_MS} ms`,
      blocked,
      'of 1',
    ),
    plainRow(`Coax reads while it runs: ${count(large)} bytes, to their end`, tookMs, 'ms'),
  ];
}
