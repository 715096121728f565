import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { runProcess, spawnerPids } from '../../src/linux/process/run-process.ts';
import { plainRow, type Row } from '../row.ts';
import { careful, wait } from './careful.ts';

const CHILDREN = 100;
const GRANDCHILD_SECONDS = 2;

/** State of a process and its parent's number, or null when it is gone. Source: proc(5). */
function stateOf(pid: number): { state: string; parent: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

const pids = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);
const zombiesOf = (parent: number): number =>
  pids().filter(pid => {
    const found = stateOf(pid);
    return found?.parent === parent && found.state === 'Z';
  }).length;

const ended = (child: ChildProcess): Promise<void> =>
  new Promise(resolve => child.once('exit', () => resolve()));

/** A parent that never asks how its children ended keeps an entry for each. */
async function zombies(): Promise<{ left: number; careful: number }> {
  const begin = `for i in $(seq ${CHILDREN}); do true & done`;
  // What it becomes knows nothing of the shell's children.
  const child = spawn('sh', ['-c', `${begin}; exec sleep 60`], { stdio: 'ignore' });
  for (let looks = 0; zombiesOf(child.pid!) < CHILDREN && looks < 200; looks++) await wait(10);
  const left = zombiesOf(child.pid!);
  child.kill('SIGKILL');
  await ended(child);
  await Promise.all(Array.from({ length: CHILDREN }, () => runProcess(careful('exit 0'))));
  const ours = [process.pid, ...spawnerPids()].reduce((sum, pid) => sum + zombiesOf(pid), 0);
  return { left, careful: ours };
}

/** A signal to a program does not reach what it has started. */
async function leftOfGroup(): Promise<{ bare: number; careful: number }> {
  const script = `sleep ${GRANDCHILD_SECONDS} & echo $!; wait`;
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  const grandchild = await new Promise<number>(resolve => child.stdout.once('data', d => resolve(Number(d))));
  child.kill('SIGKILL');
  await ended(child);
  const bare = stateOf(grandchild) === null ? 0 : 1;
  if (bare === 1) process.kill(grandchild, 'SIGKILL');
  const end = await runProcess(careful(script, { timeoutMs: 300, graceMs: 100 }));
  await wait(50);
  const state = stateOf(Number(Buffer.from(end.stdout).toString()))?.state;
  return { bare, careful: state === undefined || state === 'Z' ? 0 : 1 };
}

/** What a program has started keeps its pipe open: who waits for the pipe waits for that, too. */
async function pipeKept(): Promise<{ bareMs: number; carefulMs: number }> {
  const script = `sleep ${GRANDCHILD_SECONDS} &`;
  let began = performance.now();
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.resume();
  await new Promise(resolve => child.once('close', resolve));
  const bareMs = performance.now() - began;
  await runProcess(careful('true'));
  began = performance.now();
  await runProcess(careful(script));
  return { bareMs, carefulMs: performance.now() - began };
}

/** What is left of a program that has ended, or was to. */
export async function measureLeft(): Promise<Row[]> {
  const dead = await zombies();
  const group = await leftOfGroup();
  const pipe = await pipeKept();
  return [
    plainRow(`zombies of a parent that does not wait for ${CHILDREN} children`, dead.left, 'processes'),
    plainRow(`zombies of Coax, after ${CHILDREN} programs`, dead.careful, 'processes'),
    plainRow('grandchildren that outlive `child.kill()`', group.bare, 'of 1'),
    plainRow("grandchildren that outlive Coax's timeout", group.careful, 'of 1'),
    plainRow(`\`close\` of a program that left a grandchild of ${GRANDCHILD_SECONDS} s`, pipe.bareMs, 'ms'),
    plainRow('the end of such a program, run by Coax', pipe.carefulMs, 'ms'),
  ];
}
