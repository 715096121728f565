import { rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { groupsIn } from './parent.ts';

/** What was killed needs a moment to be gone: a group is tried again so often. */
const AGAIN_MS = 5;
const AGAIN_MAX_MS = 500;
const GIVE_UP_MS = 60_000;

/** Kills all processes in a group and in those below it (kernel 5.14). Nothing to do where there is no such group. */
export function killGroup(path: string): void {
  try {
    writeFileSync(join(path, 'cgroup.kill'), '1');
  } catch {
    // It is gone already; or the kernel is older, and the process group that was killed has to do.
  }
}

/** Takes a group away, with the groups that a program made in it. False while something is in it. */
export function tryRemove(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return true;
    const below = groupsIn(path);
    if (below.length === 0 || !below.map(name => tryRemove(join(path, name))).every(Boolean)) return false;
  }
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** As `tryRemove`, again and again in the background; this keeps no process alive. What is left then, the next sweep takes away. */
export function removeGroup(path: string): void {
  const since = performance.now();
  const attempt = (waitMs: number): void => {
    if (tryRemove(path) || performance.now() - since > GIVE_UP_MS) return;
    setTimeout(() => attempt(Math.min(AGAIN_MAX_MS, waitMs * 2)), waitMs).unref();
  };
  attempt(AGAIN_MS);
}

/** As `tryRemove`, for so long at most, while nothing else is done. */
export function removeNow(path: string, atMostMs: number): boolean {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const since = performance.now(); !tryRemove(path); Atomics.wait(pause, 0, 0, AGAIN_MS))
    if (performance.now() - since > atMostMs) return false;
  return true;
}
