import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuestFolder } from './guest-folder.ts';

/** A QEMU of ours. A pid alone may be somebody else's by now; together with its start it is one process for ever. */
export interface GuestProcess {
  readonly uuid: string;
  readonly pid: number;
  /** Clock ticks from boot to its start, field 22 of /proc/PID/stat, proc(5). */
  readonly startTicks: string;
}

/**
 * The process of a guest: by its pid file, else by a search through /proc, which also finds one that was started and
 * has not written its pid file yet. Its command line must name the guest's uuid and the guest's own pid file.
 */
export function findGuestProcess(folder: GuestFolder): GuestProcess | null {
  const noted = Number.parseInt(readOrEmpty(folder.pidFile), 10);
  const isIt = (found: Seen | null): found is Seen =>
    found !== null && found.uuid === folder.uuid && found.pidFile === folder.pidFile;
  if (Number.isSafeInteger(noted) && noted > 1) {
    const found = look(noted);
    if (isIt(found)) return found;
  }
  return pids().map(look).find(isIt) ?? null;
}

/** A process that was just started for a guest; null if it has ended already. */
export function startedProcess(uuid: string, pid: number): GuestProcess | null {
  const start = readStart(pid);
  return start && { uuid, pid, startTicks: start.startTicks };
}

/** Every QEMU whose pid file is, or was, in a guest's folder below `root`. */
export function listGuestProcesses(root: string): GuestProcess[] {
  return pids()
    .map(look)
    .filter(found => found !== null)
    .filter(
      found =>
        dirname(dirname(found.pidFile)) === root && found.pidFile.endsWith(`${sep}${found.uuid}${sep}pid`),
    );
}

/** Does it still run? One that ended and waits to be reaped does not. */
export function isAlive(process: GuestProcess): boolean {
  return readStart(process.pid)?.startTicks === process.startTicks;
}

/** Was it stopped by a signal (SIGSTOP)? It then answers nothing. */
export function isFrozen(process: GuestProcess): boolean {
  return readStart(process.pid)?.state === 'T';
}

/** Sends a signal, if it is still the same process. */
export function signalProcess(target: GuestProcess, signal: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Waits until it has ended; false if it lives on after `limitMs`. */
export async function waitForEnd(
  target: GuestProcess,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (let pauseMs = 5; isAlive(target); pauseMs = Math.min(pauseMs * 1.5, 100)) {
    if (performance.now() > deadline) return false;
    await sleep(pauseMs, undefined, { signal });
  }
  return true;
}

interface Seen extends GuestProcess {
  readonly pidFile: string;
}

function pids(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => Number.isSafeInteger(pid) && pid > 1);
}

function look(pid: number): Seen | null {
  const args = readOrEmpty(`/proc/${pid}/cmdline`).split('\0');
  const uuid = args[args.indexOf('-uuid') + 1];
  const pidFile = args[args.indexOf('-pidfile') + 1];
  if (!args.includes('-uuid') || !args.includes('-pidfile') || !uuid || !pidFile) return null;
  const start = readStart(pid);
  return start && isOurs(pid) ? { uuid, pidFile, pid, startTicks: start.startTicks } : null;
}

/** Anybody may start a program with such arguments; only our own user's are adopted, and signalled. */
function isOurs(pid: number): boolean {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === process.geteuid?.();
}

function readStart(pid: number): { state: string; startTicks: string } | null {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  // The name, in brackets, may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (!state || !startTicks || state === 'Z' || state === 'X') return null;
  return { state, startTicks };
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
