import { resolve } from 'node:path';
import type { Context } from '../../context.ts';
import { openService } from '../../live/service.ts';
import { plain } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import { type AgentCliOptions, joinOf, labelsOf } from './agent-options.ts';

/** The agent of this machine: makes it a host of a server elsewhere; shows and stops the one that runs. */
export const verb = defineVerb<AgentCliOptions>({
  examples: [
    [
      'coax agent --join https://coax.example:7411 --token … --daemonize',
      'join a server (`coax host token` there prints this line), and serve it in the background',
    ],
    ['coax agent', 'as it was joined before, here, until Ctrl-C: for a service manager'],
    [
      'coax agent --join https://new.example:7411',
      'the server that was joined is there now: no token is needed',
    ],
    [
      'coax agent --join https://a.example:7411,https://b.example:7411',
      'there are two now: when one dies, it goes on with the other',
    ],
    ['coax agent --label disk=ssd --zone b', 'say more of this host from now on'],
    ['coax agent status', 'is it connected, and what does the server think of this host?'],
    ['coax agent stop', 'let the steps under way end; VMs run on, and the host is down'],
    [
      'coax agent restart',
      'as after an upgrade: another one in the background takes its place, and the host stays up',
    ],
  ],
  details: [
    'A host needs its join token once. Its own key is made here and stays here, in the folder agent of the data directory; later starts need no options. A file for systemd is packaging/systemd/coax-agent.service.',
    'Ctrl-C or SIGTERM lets the steps under way end, then stops. VMs run on, and the next agent finds them: so it is upgraded by a restart. The host is down at once, unless the agent is started anew: by `coax agent restart`, by `systemctl restart`, or after SIGUSR2. Then it has 30 s to be back. COAX_JOIN_TOKEN is the default of --token.',
  ],
  args: [
    {
      name: '[what]',
      about: 'status, stop or restart: of the agent that runs here; without it, start one',
      choices: ['status', 'stop', 'restart'],
    },
  ],
  options: [
    {
      flags: '--join <url>',
      about:
        'The server to join, or several of one installation with commas between; without a token, where they are now',
    },
    { flags: '--token <token>', about: 'Join token from `coax host token`; used once' },
    { flags: '--name <name>', about: 'Name of this host (default: what the system calls it)' },
    {
      flags: '--label <label>',
      about: 'KEY=VALUE that placement looks at; may be given again',
      repeats: true,
    },
    { flags: '--zone <zone>', about: 'Availability zone (default: default)' },
    { flags: '--rack <rack>', about: 'Rack' },
    {
      flags: '--package-root <dir>',
      about: 'Where packages are installed (default: packages in the data directory)',
      completes: 'file',
    },
    {
      flags: '--package-trust <file>',
      about: 'Root that packages are verified from (default: the one that is seen first)',
      completes: 'file',
    },
    {
      flags: '--ca <file>',
      about: "Certificates that the server's TLS is checked against",
      completes: 'file',
    },
    { flags: '-d, --daemonize', about: 'In the background; returns when it is connected, or says why not' },
    { flags: '--simulate', about: 'Simulated hypervisor: nothing real runs, and every listing says so' },
    {
      flags: '--grace <time>',
      about: 'How long steps under way may take when it stops (default 10s)',
      parse: lengthOfTime,
    },
  ],
  statuses: [
    [0, 'stopped in order; with --daemonize, and after a restart: it is connected; status: it is connected'],
    [5, 'an agent runs here already'],
    [6, 'the server does not answer; status: no agent runs here, or it is not connected'],
  ],
  async run(context, [what], options) {
    if (what === 'status') return (await import('./agent-status.ts')).showStatus(context);
    if (what === 'stop') return (await import('./agent-status.ts')).stop(context);
    if (what === 'restart') return (await import('./agent-restart.ts')).restart(context, options);
    if (options.daemonize) return (await import('./daemonize.ts')).daemonize(context, options);
    return serve(context, options);
  },
});

async function serve({ dataDir, out }: Context, options: AgentCliOptions): Promise<number> {
  const { openAgent } = await import('../../compose/open-agent.ts');
  const say = (line: string) =>
    out.hint(`${out.errorStyle('dim', new Date().toISOString())}  ${plain(line)}`);
  const signals = stopSignal();
  using service = await openService(say);
  const log = (line: string) => {
    say(line);
    service.status(line);
  };
  const agent = await openAgent({
    dataDir,
    join: joinOf(options),
    log,
    ...(options.name !== undefined && { host: options.name }),
    ...(options.label !== undefined && { labels: labelsOf(options.label) }),
    ...(options.zone !== undefined && { zone: options.zone }),
    ...(options.rack !== undefined && { rack: options.rack }),
    ...(options.packageRoot !== undefined && { packageRoot: resolve(options.packageRoot) }),
    ...(options.packageTrust !== undefined && { packageTrust: resolve(options.packageTrust) }),
    ...(options.ca !== undefined && { ca: resolve(options.ca) }),
    ...(options.simulate !== undefined && { simulate: options.simulate }),
  });
  const { host, url } = agent;
  await out.object({ host, url, pid: process.pid, dataDir }, host, () =>
    out.fields([
      ['host', out.style('bold', host)],
      ['server', url],
      ['note', options.simulate ? out.style('yellow', 'SIMULATED: no real VM runs') : null],
      ['pid', process.pid],
      ['data', dataDir],
    ]),
  );
  service.ready(`serves ${host}`);
  const signal = await signals;
  const returns = comesBack(signal);
  log(`${signal}: letting the steps under way end; VMs run on`);
  service.stopping('letting the steps under way end');
  await agent.close(options.grace, await returns);
  log('stopped');
  return 0;
}

/** Is another agent about to take this one's place? Asked while it is still there, for systemd forgets it then. */
async function comesBack(signal: NodeJS.Signals): Promise<boolean> {
  if (signal === 'SIGUSR2') return true;
  if (signal !== 'SIGTERM' || !process.env.NOTIFY_SOCKET) return false;
  const { isStartedAnew } = await import('../../../linux/daemon/started-anew.ts');
  return isStartedAnew();
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    // A second SIGTERM is no impatience; a second Ctrl-C is.
    process
      .once('SIGINT', signal => {
        process.once('SIGINT', () => process.exit(130));
        resolve(signal);
      })
      .on('SIGTERM', resolve)
      .on('SIGUSR2', resolve);
  });
}
