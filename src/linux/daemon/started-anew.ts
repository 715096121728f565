import { readFileSync } from 'node:fs';
import { exec } from '../process/exec.ts';

/** What stops a unit waits for its processes; systemd answers at once all the same. */
const ANSWER_MS = 10_000;
/** Restart= of units that are started anew when their process ends in order. Source: systemd.service(5). */
const ALWAYS = new Set(['always', 'on-success']);

/** The unit of systemd that this process is the main one of; null for none. Source: systemd.exec(5), cgroups(7). */
export function ownUnit(
  env: NodeJS.ProcessEnv = process.env,
  groups: string = readFileSync('/proc/self/cgroup', 'utf8'),
): { readonly name: string; readonly manager: 'system' | 'user' } | null {
  // Its own socket tells a service from what was started by one.
  if (!env.NOTIFY_SOCKET || !env.INVOCATION_ID) return null;
  const paths = groups.split('\n').flatMap(line => /^(?:0::|\d+:name=systemd:)(.*)$/.exec(line)?.[1] ?? []);
  for (const path of paths) {
    const name = path
      .split('/')
      .filter(segment => segment.endsWith('.service'))
      .at(-1);
    if (name !== undefined) return { name, manager: env.MANAGERPID ? 'user' : 'system' };
  }
  return null;
}

/**
 * Whether systemd starts this process anew once it has ended: it is the main one of a unit that is being restarted, or of one
 * that ends by itself and has Restart=always. False while the unit is stopped, as at a shutdown; also when systemd cannot
 * be asked. To be asked before the process ends.
 */
export async function isStartedAnew(): Promise<boolean> {
  const unit = ownUnit();
  if (unit === null) return false;
  const ask = async (...words: string[]): Promise<string> => {
    const manager = unit.manager === 'user' ? ['--user'] : [];
    // A manager of a user is found by XDG_RUNTIME_DIR.
    const env = { ...process.env, LC_ALL: 'C' };
    const end = await exec('systemctl', [...manager, ...words, unit.name], { env, timeoutMs: ANSWER_MS });
    if (end.code !== 0) throw new Error(end.stderr);
    return end.stdout;
  };
  try {
    const jobs = await ask('list-jobs', '--plain', '--no-legend');
    const job = jobs.split('\n').find(line => line.trim().split(/\s+/)[1] === unit.name);
    if (job !== undefined) return job.trim().split(/\s+/)[2] !== 'stop';
    return ALWAYS.has((await ask('show', '--property=Restart', '--value')).trim());
  } catch {
    return false;
  }
}
