import { resolve } from 'node:path';
import { AgentFolder } from '../../../agent/agent-folder.ts';
import { CoaxError } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { spawnCoax } from '../server/spawn-coax.ts';
import { type AgentCliOptions, joinOf } from './agent-options.ts';
import { runningAgent } from './agent-status.ts';

/** An agent that joined before waits for its server for ever; whoever started it is told after so long. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 50;

/** Starts the agent in the background and returns when it is connected. An error shows the end of its log. */
export async function daemonize({ dataDir, out }: Context, options: AgentCliOptions): Promise<number> {
  const folder = new AgentFolder(dataDir);
  folder.make();
  const join = joinOf(options);
  const pid = await spawnCoax(agentArguments(dataDir, options), {
    cwd: dataDir,
    logFile: folder.logFile,
    // Arguments are for everybody on the machine to read.
    env: join?.token ? { COAX_JOIN_TOKEN: join.token } : {},
  });
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = runningAgent(dataDir);
    const status = found?.status ?? null;
    if (status?.connected) {
      const { host, url } = status;
      await out.object({ host, url, pid, dataDir, log: folder.logFile }, host, () =>
        out.fields([
          ['host', out.style('bold', host)],
          ['server', url],
          ['note', options.simulate ? out.style('yellow', 'SIMULATED: no real VM runs') : null],
          ['pid', pid],
          ['log', folder.logFile],
        ]),
      );
      return 0;
    }
    if (Date.now() > deadline) throw notConnected(pid, status?.reason, folder.logFile);
    await new Promise(done => setTimeout(done, LOOK_MS));
  }
}

/** `reason`: why it is not connected; undefined when it says none. */
function notConnected(pid: number, reason: string | undefined, where: string): CoaxError {
  return new CoaxError(
    'COAX_SERVER_UNREACHABLE',
    `the agent (pid ${pid}) runs and is not connected yet${reason ? `: ${reason}` : ''}`,
    { where, hint: 'It goes on trying: `coax agent status` tells, `coax agent stop` ends it.' },
  );
}

function agentArguments(dataDir: string, options: AgentCliOptions): string[] {
  const { join, name, label, zone, rack, packageRoot, packageTrust, ca, simulate, grace } = options;
  return [
    'agent',
    '--data',
    dataDir,
    ...(join === undefined ? [] : ['--join', join]),
    ...(name === undefined ? [] : ['--name', name]),
    ...(label ?? []).flatMap(pair => ['--label', pair]),
    ...(zone === undefined ? [] : ['--zone', zone]),
    ...(rack === undefined ? [] : ['--rack', rack]),
    ...(packageRoot === undefined ? [] : ['--package-root', packageRoot]),
    ...(packageTrust === undefined ? [] : ['--package-trust', packageTrust]),
    ...(ca === undefined ? [] : ['--ca', resolve(ca)]),
    ...(simulate ? ['--simulate'] : []),
    ...(grace === undefined ? [] : ['--grace', `${grace}ms`]),
  ];
}
