import { findProgram, spawnDetached } from '../../linux/process/exec.ts';

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

/** Opens an address in the person's browser, which goes on by itself; false when there is none here. */
export async function openBrowser(address: string, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const browser = browserHere(env);
  if (browser === null) return false;
  const set = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  try {
    await spawnDetached(browser, [address], {
      stdoutFile: '/dev/null',
      stderrFile: '/dev/null',
      env: Object.fromEntries(set),
    });
    return true;
  } catch {
    return false;
  }
}
