import { readFileSync } from 'node:fs';
import { CoaxError } from '../../../errors/coax-error.ts';
import { ownUnit } from '../../../linux/daemon/started-anew.ts';
import type { Context } from '../../context.ts';
import type { AgentCliOptions } from './agent-options.ts';
import { endAgent, runningAgent } from './agent-status.ts';
import { daemonize } from './daemonize.ts';

/**
 * Ends the agent that runs here, telling the server that it returns, and starts one in the background, with the code that is here
 * now. Returns when it is connected. Starts one where none runs. Errors: COAX_USAGE for one that systemd keeps.
 */
export async function restart(context: Context, options: AgentCliOptions): Promise<number> {
  const pid = runningAgent(context.dataDir)?.pid;
  if (pid === undefined) return daemonize(context, options);
  const unit = unitOf(pid);
  if (unit !== null) {
    throw new CoaxError('COAX_USAGE', `the agent (pid ${pid}) is the unit ${unit} of systemd`, {
      where: context.dataDir,
      hint: `Restart it by \`systemctl restart ${unit}\`; its host stays up meanwhile.`,
    });
  }
  await endAgent(pid, 'SIGUSR2');
  return daemonize(context, options);
}

/** The unit of systemd that a process is; null for none, or where that cannot be seen. */
function unitOf(pid: number): string | null {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const env = Object.fromEntries(variables.map(line => line.split(/=(.*)/s).slice(0, 2)));
    return ownUnit(env, readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.name ?? null;
  } catch {
    return null;
  }
}
