import { findProgram, spawnDetached } from '../../linux/process/exec.ts';
import { type HandOver, handOver } from './hand-over.ts';

/** Whether a person at this terminal has a browser here: a display, or one that BROWSER names. */
function browserHere(env: NodeJS.ProcessEnv): string | null {
  if (env.BROWSER) {
    // As xdg-open reads it: programs to try, with colons between.
    for (const name of env.BROWSER.split(':')) {
      const found = findProgram(name);
      if (found !== null) return found;
    }
  }
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY) return null;
  return findProgram('xdg-open') ?? findProgram('sensible-browser');
}

/**
 * Has the person's browser open an address, which stands in no argument of a program: those are read by every user of the machine.
 * The browser goes on by itself; null when there is none here. Dispose of it when nobody is to come any more.
 */
export async function openBrowser(
  address: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<HandOver | null> {
  const browser = browserHere(env);
  if (browser === null) return null;
  const set = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const way = await handOver(address);
  try {
    await spawnDetached(browser, [way.url], {
      stdoutFile: '/dev/null',
      stderrFile: '/dev/null',
      env: Object.fromEntries(set),
    });
    return way;
  } catch {
    await way[Symbol.asyncDispose]();
    return null;
  }
}
