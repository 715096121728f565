import { CoaxError } from '../../../errors/coax-error.ts';
import type { Context } from '../../context.ts';
import { readServerFile } from '../../data-dir.ts';
import { plain } from '../../output/text.ts';
import { defineVerb, lengthOfTime } from '../../verb.ts';
import { printUp, type UpOptions } from './up-report.ts';

/** Starts a server: store, worker, cloud and HTTP API in one process. */
export const verb = defineVerb<UpOptions>({
  examples: [
    ['coax up', 'here, until Ctrl-C'],
    ['coax up --detach', 'in the background; prints its address once it answers'],
    ['coax up --simulate --data /tmp/try', 'no real VM, in a folder of its own'],
    ['coax up --modules ./modules --flows ./flows', 'with your own steps and flows, followed as they change'],
  ],
  details: [
    'Ctrl-C or SIGTERM lets the steps under way end, then stops; a second Ctrl-C stops at once. VMs run on. COAX_LISTEN is the default of --listen.',
  ],
  options: [
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
    { flags: '-l, --listen <addr>', about: 'HOST:PORT (port 0 = any) or unix:/path' },
    { flags: '--allow-remote', about: 'Listen on an address that other machines reach' },
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
    refuseSecond(context);
    if (options.detach) {
      const { startDetached } = await import('./start-detached.ts');
      return startDetached(context, options);
    }
    return serve(context, options);
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

async function serve({ dataDir, out }: Context, options: UpOptions): Promise<number> {
  const { LISTEN_DEFAULT, openServer } = await import('../../compose.ts');
  const signals = stopSignals();
  const server = await openServer({
    dataDir,
    listen: options.listen ?? (process.env.COAX_LISTEN || LISTEN_DEFAULT),
    allowRemote: options.allowRemote ?? false,
    simulate: options.simulate ?? false,
    modulesDirs: options.modules ?? [],
    flowsDirs: options.flows ?? [],
    log: line => out.hint(`${out.errorStyle('dim', new Date().toISOString())}  ${plain(line)}`),
  });
  await out.object({ url: server.url, pid: process.pid, dataDir }, server.url, () =>
    printUp(out, server.url, process.pid, dataDir, options),
  );
  const signal = await signals.first;
  out.hint(`${signal}: letting the steps under way end; again to stop at once`);
  await server.close(options.grace);
  signals.close();
  out.hint('stopped');
  return 0;
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
