import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const GONE_WITHIN_MS = 180_000;

/** Is there a process of that id that can still run (no zombie)? */
export function lives(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** Waits until a process is gone: a signal is sent long before it has worked. Throws after three minutes. */
export async function gone(pid: number): Promise<void> {
  for (const start = performance.now(); lives(pid); await pause(5)) {
    if (performance.now() - start > GONE_WITHIN_MS) throw new Error(`process ${pid} still lives`);
  }
}
