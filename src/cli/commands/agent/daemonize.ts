import { resolve } from 'node:path';
import { AgentFolder } from '../../../agent/agent-folder.ts';
import type { Context } from '../../context.ts';
import { spawnCoax } from '../server/spawn-coax.ts';
import { type AgentCliOptions, joinOf } from './agent-options.ts';
import { runningAgent } from './agent-status.ts';

/** The first start may have to build the guests' image. */
const READY_MS = 120_000;
/** An agent that joined before waits for its server for ever; whoever started it is told after so long. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 50;
const HINT = 'Mend what its log says; `coax agent` shows it as it comes.';

/** Starts the agent in a session of its own and waits until it is connected. An error shows the end of its log. */
export async function daemonize({ dataDir, out }: Context, options: AgentCliOptions): Promise<number> {
  const folder = new AgentFolder(dataDir);
  folder.make();
  const join = joinOf(options);
  const started = await spawnCoax(agentArguments(dataDir, options), {
    cwd: dataDir,
    logFile: folder.logFile,
    // Arguments are for everybody on the machine to read.
    env: join === null ? {} : { COAX_JOIN_TOKEN: join.token },
  });
  const { pid } = started;
  const deadline = Date.now() + READY_MS;
  let awaySince: number | null = null;
  for (;;) {
    const found = runningAgent(dataDir);
    const status = found?.pid === pid ? found.status : null;
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
    if (!started.lives()) throw started.failure('the agent ended at once', HINT);
    awaySince = status === null ? null : (awaySince ?? Date.now());
    const isAway = awaySince !== null && Date.now() - awaySince > PATIENCE_MS;
    if (isAway || Date.now() > deadline) {
      const why = status?.reason ? `: ${status.reason}` : '';
      throw started.failure(
        `the agent (pid ${pid}) runs and is not connected yet${why}`,
        'It goes on trying: `coax agent status` tells, `coax agent stop` ends it.',
      );
    }
    await new Promise(done => setTimeout(done, LOOK_MS));
  }
}

function agentArguments(dataDir: string, options: AgentCliOptions): string[] {
  const { join, name, label, zone, rack, ca, simulate, grace } = options;
  return [
    'agent',
    '--data',
    dataDir,
    ...(join === undefined ? [] : ['--join', join]),
    ...(name === undefined ? [] : ['--name', name]),
    ...(label ?? []).flatMap(pair => ['--label', pair]),
    ...(zone === undefined ? [] : ['--zone', zone]),
    ...(rack === undefined ? [] : ['--rack', rack]),
    ...(ca === undefined ? [] : ['--ca', resolve(ca)]),
    ...(simulate ? ['--simulate'] : []),
    ...(grace === undefined ? [] : ['--grace', `${grace}ms`]),
  ];
}
