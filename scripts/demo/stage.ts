import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';

const COAX = fileURLToPath(new URL('../../bin/coax', import.meta.url));

/** What the demo says between the commands. */
export function say(text: string): void {
  process.stdout.write(`\n${styleText('bold', text)}\n`);
}

/** Runs `coax …` before the reader's eyes; gives its exit status. */
export function show(...args: string[]): Promise<number> {
  process.stdout.write(`${styleText('cyan', `$ coax ${args.map(quoted).join(' ')}`)}\n`);
  const child = spawn(COAX, args, { stdio: 'inherit' });
  return ended(child);
}

/** As `show`, and ends the demo when the status is another than expected. */
export async function expect(status: number, ...args: string[]): Promise<void> {
  const got = await show(...args);
  if (got !== status) throw new Failed(`coax ${args.join(' ')} ended with ${got}, not ${status}`);
}

/** What `coax … -o json` answers. */
export async function ask<T>(...args: string[]): Promise<T> {
  const child = spawn(COAX, [...args, '-o', 'json'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let talk = '';
  child.stdout.on('data', chunk => (out += chunk));
  child.stderr.on('data', chunk => (talk += chunk));
  const status = await ended(child);
  if (out === '') throw new Failed(`coax ${args.join(' ')} ended with ${status}: ${talk}`);
  return JSON.parse(out) as T;
}

/** Starts a worker process of its own. */
export function startWorker(name: string, modules: string): ChildProcess {
  process.stdout.write(`${styleText('cyan', `$ coax worker --name ${name} --modules ${modules} &`)}\n`);
  // The process itself, not the launcher, is what is to be killed: the launcher execs it under the same pid.
  return spawn(COAX, ['worker', '--name', name, '--modules', modules], { stdio: 'ignore' });
}

/** Resolves when `look` gives something; fails after `ms`. */
export async function until<T>(what: string, ms: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Failed(`${what} did not happen within ${ms / 1000} s`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

/** The demo cannot go on; the text says why. */
export class Failed extends Error {}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 1)));
  });
}

function quoted(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word}'`;
}
