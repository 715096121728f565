import { readFileSync } from 'node:fs';

/** USER_HZ, fixed at 100 on every Linux that Node runs on: /proc counts CPU time in hundredths of a second. */
const TICK_MS = 10;
const FIRST_LOOK_MS = 20;
const LOOK_EVERY_MS = 500;

/**
 * Looks at a running process now and then (first after 20 ms, then twice a second), since Node reaps a child before it
 * tells of its end and nothing can be read any more. Source: proc(5), VmHWM in /proc/PID/status.
 */
export class ResourceWatch {
  readonly #pid: number;
  #timer: NodeJS.Timeout;
  #maxRssKib: number | null = null;

  constructor(pid: number) {
    this.#pid = pid;
    this.#timer = setTimeout(() => {
      this.look();
      this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    }, FIRST_LOOK_MS);
  }

  look(): void {
    try {
      const status = readFileSync(`/proc/${this.#pid}/status`, 'latin1');
      const peak = /^VmHWM:\s*(\d+)/m.exec(status);
      if (peak) this.#maxRssKib = Number(peak[1]);
    } catch {
      // it has just ended
    }
  }

  /** The peak as last seen, or null. */
  stop(): number | null {
    clearTimeout(this.#timer);
    return this.#maxRssKib;
  }
}

/** User and system time of all children we have waited for: fields 16 and 17 of proc(5)'s /proc/PID/stat. */
function reapedTicks(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[13]) + Number(fields[14]);
}

/**
 * CPU time of children by what our own count of reaped children grew: exact to a tick, the children's own children
 * included, but only when a single child was reaped in between. Several at once cannot be told apart: null.
 */
export class ReapedTime {
  #seenTicks = reapedTicks();
  #waiting: ((cpuMs: number | null) => void)[] = [];

  /** To be called in the `exit` event. libuv reaps all that have ended before it tells of the first. */
  onExit(tell: (cpuMs: number | null) => void): void {
    this.#waiting.push(tell);
    if (this.#waiting.length === 1) setImmediate(() => this.#share());
  }

  #share(): void {
    const now = reapedTicks();
    const cpuMs = this.#waiting.length === 1 ? (now - this.#seenTicks) * TICK_MS : null;
    this.#seenTicks = now;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const tell of waiting) tell(cpuMs);
  }
}
