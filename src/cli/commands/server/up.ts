import { resolve } from 'node:path';
import { CoaxError } from '../../../errors/coax-error.ts';
import { type ProcessOptions, parseLimits, ROLES } from '../../compose/process-options.ts';
import type { Context } from '../../context.ts';
import { readServerFile } from '../../data-dir.ts';
import { openService } from '../../live/service.ts';
import { plain } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import { printUp, type UpOptions } from './up-report.ts';

const LOST_AFTER_LEAST_MS = 60_000;

/** Starts a server: store, worker, cloud and HTTP API in one process; or one of its roles alone. */
export const verb = defineVerb<UpOptions>({
  examples: [
    ['coax up', 'here, until Ctrl-C'],
    ['coax up --detach', 'in the background; prints its address once it answers'],
    ['coax up --simulate --data /tmp/try', 'no real VM, in a folder of its own'],
    [
      'COAX_STORE=postgres://db/coax coax up --role worker',
      'steps alone, on a store that several processes share',
    ],
    ['coax up --limit token-rate=200 --limit body-kib=512', 'with bounds of your own: docs/how-to/limits.md'],
    ['coax up --modules ./modules --flows ./flows', 'with your own steps and flows, followed as they change'],
  ],
  details: [
    'Ctrl-C or SIGTERM lets the steps under way end, then stops; a second Ctrl-C stops at once. VMs run on. COAX_LISTEN is the default of --listen, COAX_SECRET_KEY_FILE of --secret-key-file.',
    'With --detach SIGHUP opens the log anew, as logrotate asks. Under systemd, a unit of Type=notify hears when it serves, and it takes the socket that a socket unit has opened: packaging/systemd/.',
    'COAX_STORE=postgres://… is a store that any number of servers and workers share; without it the store is a file in the data directory, of this process alone. --role server: the API, groups and views, no steps. --role worker: steps alone; with --listen it has /livez and /readyz there.',
  ],
  options: [
    { flags: '--role <role>', about: 'What this process is for (default all)', choices: ROLES },
    { flags: '-d, --detach', about: 'In the background; its log is server.log in the data directory' },
    { flags: '--simulate', about: 'Simulated hypervisor: nothing real runs, and every listing says so' },
    {
      flags: '-m, --modules <dir>',
      about: 'Folder of your own modules; may be given again',
      repeats: true,
      completes: 'file',
    },
    {
      flags: '--flows <dir>',
      about: 'Folder of your own flows; may be given again',
      repeats: true,
      completes: 'file',
    },
    {
      flags: '--cgi-bin <dir>',
      about: 'Folder of CGI scripts, served at /cgi-bin/ and usable as steps',
      completes: 'file',
    },
    { flags: '-l, --listen <addr>', about: 'HOST:PORT (port 0 = any) or unix:/path' },
    {
      flags: '--trust-proxy <range>',
      about:
        "Believe what a proxy there says of the client's address: 10.0.0.0/8, or unix; may be given again",
      repeats: true,
    },
    {
      flags: '--linger <time>',
      about:
        'When it stops: refuse new connections, and for so long serve those that a proxy keeps open (default 0)',
      parse: lengthOfTime,
    },
    { flags: '--allow-remote', about: 'Listen on an address that other machines reach' },
    {
      flags: '--peer-url <url>',
      about: 'Where other servers on a shared store reach this one (default: where it listens)',
    },
    {
      flags: '--retain <time>',
      about: 'Archive finished messages older than this, as in 30d (default: keep everything)',
      parse: lengthOfTime,
    },
    {
      flags: '--archive <place>',
      about: 'Where archives go: folder or s3://bucket/prefix (default: archive in the data directory)',
      completes: 'file',
    },
    {
      flags: '--packages <place>',
      about:
        'Where host packages lie: folder or s3://bucket/prefix (default: package-repository in the data directory)',
      completes: 'file',
    },
    {
      flags: '--repository-gc <time>',
      about:
        'How often to delete package contents that nothing has named for a week, as `coax repository gc` does (default 1d; 0 for never)',
      parse: lengthOfTime,
    },
    {
      flags: '--placement <file>',
      about: 'Placement policies (default: placement.yaml in the data directory, if it is there)',
      completes: 'file',
    },
    {
      flags: '--webhook-allow <network>',
      about:
        'Let webhooks send to this network too, as 10.1.0.0/16; may be given again (default: the public internet alone)',
      repeats: true,
    },
    {
      flags: '--secret-key-file <file>',
      about: 'Keys that secrets are sealed with (default: secret-keys.json in the data directory)',
      completes: 'file',
    },
    {
      flags: '--oidc <file>',
      about: 'Let people sign in by a provider of OpenID Connect: docs/how-to/access.md',
      completes: 'file',
    },
    {
      flags: '--lease <time>',
      about: 'On a shared store: how long a step stays with a worker that is not heard of (default 30s)',
      parse: lengthOfTime,
    },
    {
      flags: '--lost-after <time>',
      about:
        'Declare a host lost that is down for so long, at least 1m (default never). By it you promise that something else fences such a host by then, as a watchdog that resets it',
      parse: lengthOfTime,
    },
    {
      flags: '--limit <pair>',
      about: 'A bound of what clients may ask, as in token-rate=500; may be given again',
      repeats: true,
    },
    {
      flags: '--grace <time>',
      about: 'How long steps under way may take when it stops',
      parse: lengthOfTime,
    },
  ],
  statuses: [
    [0, 'stopped in order; with --detach: it answers'],
    [5, 'another server uses the data directory'],
  ],
  async run(context, _args, options) {
    if (options.role === 'worker' && options.detach) throw noDetached();
    if (options.lostAfter !== undefined) checkLostAfter(options.lostAfter, options.role);
    const limits = options.limit && parseLimits(options.limit);
    if (options.peerUrl !== undefined) checkPeerUrl(options.peerUrl);
    if (options.role !== 'worker') refuseSecond(context);
    if (options.detach) {
      const { startDetached } = await import('./start-detached.ts');
      return startDetached(context, options);
    }
    return serve(context, options, limits);
  },
});

function refuseSecond({ dataDir }: Context): void {
  const file = readServerFile(dataDir);
  if (!file?.alive) return;
  throw new CoaxError('COAX_STORE_LOCKED', `a server runs here already: ${file.url} (pid ${file.pid})`, {
    where: dataDir,
    hint: '`coax status` shows it, `coax down` ends it; --data DIR starts one elsewhere.',
  });
}

function noDetached(): CoaxError {
  return new CoaxError('COAX_USAGE', 'a process of role worker stays in the foreground', {
    where: '--detach',
    hint: 'Let a service manager start it; `coax workers` shows it, SIGTERM ends it in order.',
  });
}

function checkPeerUrl(url: string): void {
  if (/^(https?|unix):/.test(url) && URL.canParse(url)) return;
  throw new CoaxError('COAX_USAGE', `"${url}" is no address of a server`, {
    where: '--peer-url',
    hint: 'For example http://10.0.0.7:7411',
  });
}

function checkLostAfter(ms: number, role: UpOptions['role']): void {
  const wrong = (reason: string, hint: string) =>
    new CoaxError('COAX_USAGE', reason, { where: '--lost-after', hint });
  if (role === 'worker')
    throw wrong('a process of role worker watches no hosts', 'Give it to `coax up` of role server or all.');
  if (ms < LOST_AFTER_LEAST_MS)
    throw wrong(
      `${ms / 1000} s is too short: a host that boots is silent for longer`,
      'Give at least 1m; as long as what fences a host may take, and a boot.',
    );
}

async function serve(
  { dataDir, out }: Context,
  options: UpOptions,
  limits: ProcessOptions['limits'],
): Promise<number> {
  const { openProcess } = await import('../../compose.ts');
  const { sharedStoreUrl } = await import('../../compose/open-store.ts');
  const { LISTEN_DEFAULT } = await import('../../compose/process-options.ts');
  const role = options.role ?? 'all';
  const signals = stopSignals();
  const log = (line: string) =>
    out.hint(`${out.errorStyle('dim', new Date().toISOString())}  ${plain(line)}`);
  using service = await openService(log);
  const usual = role === 'worker' ? null : process.env.COAX_LISTEN || LISTEN_DEFAULT;
  const running = await openProcess({
    role,
    dataDir,
    storeUrl: sharedStoreUrl(),
    listen: options.listen ?? (await activatedSocket()) ?? usual,
    allowRemote: options.allowRemote ?? false,
    ...(options.peerUrl !== undefined && { peerUrl: options.peerUrl }),
    simulate: options.simulate ?? false,
    modulesDirs: options.modules ?? [],
    flowsDirs: options.flows ?? [],
    ...(options.lease !== undefined && { leaseMs: options.lease }),
    ...(options.lostAfter !== undefined && { lostAfterMs: options.lostAfter }),
    ...(options.retain !== undefined && { retainMs: options.retain }),
    ...(options.archive !== undefined && { archive: placeOf(options.archive) }),
    ...(options.packages !== undefined && { packages: placeOf(options.packages) }),
    ...(options.repositoryGc !== undefined && { collectMs: options.repositoryGc }),
    ...secretKeyFile(options),
    ...(options.oidc !== undefined && { oidcFile: resolve(options.oidc) }),
    ...(options.webhookAllow !== undefined && { webhookAllow: options.webhookAllow }),
    ...(options.placement !== undefined && { policiesFile: resolve(options.placement) }),
    ...(limits && { limits }),
    ...(options.cgiBin !== undefined && { cgiDir: options.cgiBin }),
    ...(options.trustProxy !== undefined && { trustProxy: options.trustProxy }),
    ...(options.linger !== undefined && { lingerMs: options.linger }),
    log,
    onMigrate(about) {
      log(about);
      service.busy(about);
    },
  });
  const { name, url } = running;
  await out.object({ name, role, url, pid: process.pid, dataDir }, url ?? name, () =>
    printUp(out, running, dataDir, options),
  );
  service.ready(url === null ? `does steps as ${name}` : `serves ${url}`);
  const signal = await signals.first;
  out.hint(`${signal}: letting the steps under way end; again to stop at once`);
  service.stopping('letting the steps under way end');
  await running.close(options.grace);
  signals.close();
  out.hint('stopped');
  return 0;
}

/** The socket that a supervisor has opened for this process, as systemd does for a unit with a socket; null without. */
async function activatedSocket(): Promise<string | null> {
  if (process.env.LISTEN_FDS === undefined) return null;
  const { listenDescriptors } = await import('../../../linux/daemon/listen-descriptors.ts');
  const given = listenDescriptors();
  if (given.length > 1) {
    throw new CoaxError('COAX_USAGE', `${given.length} sockets were handed over, and one is served`, {
      where: 'LISTEN_FDS',
      hint: 'Give the socket unit one ListenStream=.',
    });
  }
  return given[0] === undefined ? null : `fd:${given[0].fd}`;
}

/** The file that was named, on the command line or by COAX_SECRET_KEY_FILE. */
function secretKeyFile(options: UpOptions): { secretKeyFile?: string } {
  const named = options.secretKeyFile ?? (process.env.COAX_SECRET_KEY_FILE || undefined);
  return named === undefined ? {} : { secretKeyFile: resolve(named) };
}

/** A folder is meant from here, wherever the server works. */
function placeOf(place: string): string {
  return place.includes('://') ? place : resolve(place);
}

function stopSignals(): { first: Promise<string>; close(): void } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let asked = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    // A second SIGTERM is no impatience: service managers and `coax down` may both send one.
    if (++asked > 1 && signal === 'SIGINT') process.exit(130);
    resolve(signal);
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return { first: promise, close: () => process.off('SIGINT', onSignal).off('SIGTERM', onSignal) };
}
