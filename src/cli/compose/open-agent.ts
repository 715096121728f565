import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent } from '../../agent/agent.ts';
import { enrol, HostSession } from '../../agent/agent-client.ts';
import { AgentFolder, type Membership, publicKeyOf } from '../../agent/agent-folder.ts';
import { factsOf } from '../../agent/facts/host-report.ts';
import { PackageCalls } from '../../client/package-calls.ts';
import { Servers } from '../../client/servers/servers.ts';
import { Transport } from '../../client/transport.ts';
import { openSimulated } from '../../cloud/compute/simulated/simulated.ts';
import { cacheFolder } from '../../cloud/image/cache-folder.ts';
import { type LocalHost, localHostName, openLocalHost } from '../../cloud/local-host.ts';
import { CoaxError, isCoaxError, textOf } from '../../errors/coax-error.ts';
import { trustRoot } from '../../package/repository/trusted-repository.ts';
import type { ModuleDefinition } from '../../step/define-module.ts';
import { lockFile } from '../../store/sqlite/lock.ts';
import { openPackageHost, openPackageModule, trustFolder } from './open-packages.ts';
import { VERSION } from './process-options.ts';
import { reportOnce } from './report-once.ts';

/** Steps under way may take so long when the agent stops, before they are told to end. */
const GRACE_MS = 10_000;

export interface AgentOptions {
  readonly dataDir: string;
  /** Server and join token, or where the server that was joined is now; null: as it was joined before. */
  readonly join: { readonly url: string; readonly token: string | null } | null;
  /** What is not given stays as it was when the host joined. */
  readonly host?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly zone?: string;
  readonly rack?: string;
  readonly packageRoot?: string;
  /** File with the root that packages are verified from; only until the first one is trusted. */
  readonly packageTrust?: string;
  readonly ca?: string;
  readonly simulate?: boolean;
  /** A line about what the agent does. */
  log(line: string): void;
}

export interface RunningAgent {
  readonly host: string;
  readonly url: string;
  /** Resolves when the server has taken the first report. */
  readonly connected: Promise<void>;
  /**
   * Takes no more steps, lets those under way end, told to after `graceMs`. Guests run on. `returns`: another agent is about to
   * take its place, so its host is not down meanwhile.
   */
  close(graceMs?: number, returns?: boolean): Promise<void>;
}

/**
 * Puts the agent of this machine together: joins if asked to, finds the guests that run, then serves `compute@HOST` and
 * reports until it is closed. Errors: COAX_STORE_LOCKED when one runs here, COAX_USAGE when the host has not joined, those
 * of joining.
 */
export async function openAgent(options: AgentOptions): Promise<RunningAgent> {
  await using opened = new AsyncDisposableStack();
  const folder = new AgentFolder(options.dataDir);
  folder.make();
  const lock = lockAgent(folder);
  opened.defer(() => lock.release());
  folder.begin(process.pid);
  opened.defer(() => folder.end());
  const wanted = wishesOf(options, folder.membership());
  const local = await openHost(options, wanted.simulate);
  // Those that share a list begin at different ones.
  const servers = new Servers(wanted.url, 'any');
  const token = options.join?.token ?? null;
  const membership =
    token === null
      ? keep(folder, wanted)
      : await joinServer(folder, token, wanted, servers, local, options.dataDir);
  const agent = new Agent({
    ...options,
    modules: [await servePackages(opened, options, membership, servers, folder)],
    folder,
    membership,
    servers,
    local,
    version: VERSION,
    onFault: reportOnce(options.log),
  });
  opened.defer(() => agent.close());
  const closing = opened.move();
  return {
    host: membership.host,
    url: membership.url,
    connected: agent.connected,
    async close(graceMs = GRACE_MS, returns = false) {
      await agent.drain(graceMs);
      const said = returns ? 'another agent takes this place: the host stays up' : 'the host is down';
      await agent.sayGoodbye(returns).then(
        isTold => isTold && options.log(`the server was told that ${said}`),
        error => options.log(`the server was not told that ${said}: ${textOf(error)}`),
      );
      await closing.disposeAsync();
    },
  };
}

/** The packages of this host. What a crash has left behind is ended now, not only when somebody installs something. */
async function servePackages(
  opened: AsyncDisposableStack,
  { dataDir, packageTrust, log }: AgentOptions,
  membership: Membership,
  servers: Servers,
  folder: AgentFolder,
): Promise<ModuleDefinition> {
  const { host, installation } = membership;
  const root = membership.packageRoot || join(dataDir, 'packages');
  if (existsSync(root)) {
    await openPackageHost(root)
      .recover({ by: 'agent', log })
      .catch(error => log(`packages: ${textOf(error)}`));
  }
  if (packageTrust !== undefined)
    await trustRoot(trustFolder(dataDir), await readRoot(packageTrust), packageTrust);
  const server = { url: servers, ca: membership.ca };
  const session = new HostSession(server, host, folder.key());
  const transport = new Transport({ ...server, token: session });
  opened.defer(() => transport.close());
  const calls = new PackageCalls(transport);
  return openPackageModule({
    dataDir,
    installation,
    serves: name => name === host,
    rootOf: () => root,
    files: { name: membership.url, open: (kind, name, signal) => calls.open(kind, name, signal) },
  });
}

/** Errors: COAX_USAGE. */
async function readRoot(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new CoaxError('COAX_USAGE', `the root cannot be read: ${textOf(cause)}`, { where: file, cause });
  }
}

function lockAgent(folder: AgentFolder): { release(): void } {
  try {
    return lockFile(folder.lockFile);
  } catch (error) {
    if (!isCoaxError(error, 'COAX_STORE_LOCKED')) throw error;
    const pid = folder.pid();
    throw new CoaxError('COAX_STORE_LOCKED', `an agent runs here already${pid ? ` (pid ${pid})` : ''}`, {
      where: folder.path,
      hint: '`coax agent status` shows it, `coax agent stop` ends it; --data DIR starts one elsewhere.',
    });
  }
}

type Wanted = Omit<Membership, 'installation' | 'network'> & Partial<Membership>;

/** What is asked for now, over what was kept. */
function wishesOf(options: AgentOptions, kept: Membership | null): Wanted {
  const url = options.join?.url ?? kept?.url;
  if (url === undefined || (kept === null && options.join?.token === null)) {
    throw new CoaxError('COAX_USAGE', 'this host has not joined a server yet', {
      where: url === undefined ? '--join' : '--token',
      hint: '`coax host token` on the server prints the whole command to paste here.',
    });
  }
  const host = options.host ?? kept?.host ?? localHostName();
  if (kept !== null && kept.host !== host) {
    throw new CoaxError('COAX_USAGE', `this host joined as ${kept.host}`, {
      where: '--name',
      hint: 'It keeps its name; to join under another, use another data directory.',
    });
  }
  return {
    ...kept,
    url,
    host,
    ca: options.ca ?? kept?.ca ?? '',
    labels: options.labels ?? kept?.labels ?? {},
    zone: options.zone ?? kept?.zone ?? 'default',
    rack: options.rack ?? kept?.rack ?? '',
    packageRoot: options.packageRoot ?? kept?.packageRoot ?? '',
    simulate: options.simulate ?? kept?.simulate ?? false,
  };
}

function keep(folder: AgentFolder, { installation, network, ...wanted }: Wanted): Membership {
  // Kept with them, since it was joined.
  const membership = { ...wanted, installation: installation!, network: network ?? null };
  folder.join(membership);
  return membership;
}

async function openHost({ dataDir, log }: AgentOptions, simulate: boolean): Promise<LocalHost> {
  if (simulate) return { hypervisor: openSimulated({ dataDir }), network: null, fault: '' };
  return openLocalHost({ dataDir, cacheDir: cacheFolder(), onProgress: log });
}

async function joinServer(
  folder: AgentFolder,
  token: string,
  wanted: Wanted,
  servers: Servers,
  local: LocalHost,
  dataDir: string,
): Promise<Membership> {
  const { installation, network } = await enrol({ url: servers, ca: wanted.ca }, token, {
    host: wanted.host,
    publicKey: publicKeyOf(folder.key()),
    version: VERSION,
    facts: factsOf(local, wanted, dataDir),
  });
  const membership = { ...wanted, installation, network };
  folder.join(membership);
  return membership;
}
