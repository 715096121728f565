import { hostname } from 'node:os';
import { CoaxError, textOf } from '../../../errors/coax-error.ts';
import type { OpenCatalogue } from '../../../step/catalogue.ts';
import { codesOf } from '../../../step/codes-of.ts';
import { VERSION } from '../../compose/process-options.ts';
import { findServer } from '../../context.ts';
import { cell } from '../../output/output.ts';
import { defineVerb, lengthOfTime, wholeNumber } from '../../verb.ts';

interface WorkerOptions {
  readonly modules: readonly string[];
  readonly name?: string;
  readonly at?: readonly string[];
  readonly concurrency?: number;
  readonly lease?: number;
  readonly grace?: number;
}

const GRACE_MS = 10_000;
/** So often the code is compared with what the server was told of it. */
const LOOK_MS = 1000;

type Codes = ReturnType<typeof codesOf>;

/** A worker process of its own: it does the steps of its modules for a server, over HTTP. */
export const verb = defineVerb<WorkerOptions>({
  examples: [
    ['coax worker --modules ./modules', "serve the modules of a folder for this machine's server"],
    ['COAX_URL=http://10.0.0.1:7411 COAX_TOKEN=… coax worker -m ./modules', 'for a server elsewhere'],
    [
      'COAX_URL=http://10.0.0.1:7411,http://10.0.0.2:7411 COAX_TOKEN=… coax worker -m ./modules',
      'for an installation of several servers: when one dies, it goes on with another',
    ],
    ['coax worker -m ./modules --at h7', 'serve MODULE@h7 too: steps that must be done there'],
  ],
  details: [
    'It keeps nothing: if it dies, its steps are taken over at once. Ctrl-C lets the steps under way end, then stops. The modules of the cloud (resource, network, compute) are served by the server itself.',
  ],
  options: [
    {
      flags: '-m, --modules <dir>',
      about: 'Folder of modules; may be given again',
      repeats: true,
      required: true,
      completes: 'file',
    },
    { flags: '--name <name>', about: 'Unique among living workers (default HOSTNAME-PID)' },
    {
      flags: '--at <host>',
      about: 'Serve MODULE@HOST too; may be given again',
      repeats: true,
      completes: 'host',
    },
    { flags: '--concurrency <n>', about: 'Steps under way at one time', parse: wholeNumber(1) },
    {
      flags: '--lease <time>',
      about: 'How long a step stays with this worker when it is not heard of (default 30s)',
      parse: lengthOfTime,
    },
    {
      flags: '--grace <time>',
      about: 'How long steps under way may take when it stops (default 10s)',
      parse: lengthOfTime,
    },
  ],
  async run({ out, dataDir, globals }, _args, options) {
    const address = findServer(dataDir, globals);
    const { openCatalogue } = await import('../../../step/catalogue.ts');
    const { Servers } = await import('../../../client/servers/servers.ts');
    const { HttpChannel } = await import('../../../client/http-channel.ts');
    const { Worker } = await import('../../../worker/worker.ts');
    const catalogue = openCatalogue({ builtin: [], dirs: options.modules });
    for (const fault of await catalogue.refresh())
      out.hint(`not usable: ${cell(fault.where)}: ${cell(fault.reason)}`);
    catalogue.watch();
    if (catalogue.modules().length === 0)
      out.hint(`no module yet in ${options.modules.join(', ')}; waiting for one`);
    // Workers that share a list begin at different ones.
    const servers = new Servers(address.url, 'any');
    const channel = new HttpChannel({
      url: servers,
      token: address.token ?? '',
      ...(address.ca !== undefined && { ca: address.ca }),
    });
    const name = options.name ?? `${hostname()}-${process.pid}`;
    const worker = new Worker({
      name,
      channel,
      catalogue,
      addresses: () => addressesOf(catalogue.modules(), options.at ?? []),
      now: () => Date.now(),
      ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
      ...(options.lease !== undefined && { leaseMs: options.lease }),
      onFault: error =>
        out.hint(error instanceof CoaxError ? `${error.code}: ${error.reason}` : textOf(error)),
    });
    const stopTelling = tellOfCode(catalogue, modules =>
      channel.introduce({ worker: name, host: hostname(), pid: process.pid, version: VERSION, modules }),
    );
    out.line(
      `${name} serves ${addressesOf(catalogue.modules(), options.at ?? []).join(' ')} for ${servers.text}`,
    );
    servers.onLeave(({ url }) => out.hint(`${url} does not do it; asking ${servers.current.url}`));
    out.hint('Ctrl-C stops it');
    await new Promise<void>(resolve => {
      process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
    });
    out.hint('letting the steps under way end');
    await worker.drain(options.grace ?? GRACE_MS);
    stopTelling();
    channel.close();
    catalogue.close();
    return 0;
  },
});

/** Tells now and whenever the code changes. Returns what ends it. */
function tellOfCode(catalogue: OpenCatalogue, tell: (modules: Codes) => Promise<void>): () => void {
  let told: unknown;
  const look = (): void => {
    if (catalogue.list() === told) return;
    told = catalogue.list();
    // A server that is away hears of it with the next session.
    tell(codesOf(catalogue)).catch(() => {});
  };
  look();
  const timer = setInterval(look, LOOK_MS);
  return () => clearInterval(timer);
}

function addressesOf(modules: readonly string[], hosts: readonly string[]): string[] {
  return [...modules, ...hosts.flatMap(host => modules.map(module => `${module}@${host}`))];
}
