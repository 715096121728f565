import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAccess } from '../access/open-access.ts';
import type { FsckResult } from '../access/services.ts';
import { makeTokenCheck } from '../access/token.ts';
import { GroupServer } from '../channel/groups.ts';
import { makeDecisions } from '../channel/make-decisions.ts';
import { StoreChannel } from '../channel/store-channel.ts';
import { type Cloud, openCloud } from '../cloud/cloud.ts';
import { cacheFolder } from '../cloud/image/cache-folder.ts';
import { CoaxError, type Fault, textOf } from '../errors/coax-error.ts';
import { gitExport } from '../ledger/git-export.ts';
import { closeSpawners, startSpawner } from '../linux/process/run-process.ts';
import { type OpenCatalogue, openCatalogue } from '../step/catalogue.ts';
import { type FlowBook, openFlows } from '../step/flow-folder.ts';
import { exportMessages } from '../store/export.ts';
import { type FsckReport, fsckStore } from '../store/fsck.ts';
import { openPostgres } from '../store/postgres/open-postgres.ts';
import { openSqlite, openSqliteScan } from '../store/sqlite/open-sqlite.ts';
import type { Store } from '../store/store.ts';
import { Worker } from '../worker/worker.ts';
import { installationSchema } from './installation-schema.ts';
import { ServedAddresses } from './served-addresses.ts';
import { keepToken, removeServerFile, writeServerFile } from './server-file.ts';

/** Flows that come with Coax. */
const FLOWS = fileURLToPath(new URL('../../flows', import.meta.url));
/** Leases on a store of this process alone end with the process, so they may be long; others must see that a server died. */
const OWN_LEASE_MS = 10 * 60_000;
const SHARED_LEASE_MS = 30_000;
/** Steps under way may take so long when the server stops, before they are told to end. */
const GRACE_MS = 10_000;
export const LISTEN_DEFAULT = '127.0.0.1:7411';
export const VERSION = '0.1.0';

export interface ServerOptions {
  readonly dataDir: string;
  /** `HOST:PORT` (port 0 = any) or `unix:/path`. */
  readonly listen: string;
  readonly allowRemote?: boolean;
  readonly simulate: boolean;
  /** Folders of the user's own modules and flows; they need not exist yet. */
  readonly modulesDirs: readonly string[];
  readonly flowsDirs: readonly string[];
  /** A line about what the server does. */
  log(line: string): void;
}

export interface RunningServer {
  readonly url: string;
  /** Lets the steps under way end, then closes everything; guests run on. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Puts a whole Coax together in this process: store, catalogue, flows, cloud, channel, worker and HTTP API. The only place
 * that chooses an engine. Errors: COAX_STORE_LOCKED, COAX_STORE_UNAVAILABLE, COAX_STORE_CORRUPT, COAX_USAGE.
 */
export async function openServer(options: ServerOptions): Promise<RunningServer> {
  await using opened = new AsyncDisposableStack();
  const dataDir = resolve(options.dataDir);
  const name = `${hostname()}-${process.pid}`;
  let graceMs = GRACE_MS;
  makeDataDir(dataDir);
  const parts = await openParts(opened, dataDir, options);
  const work = openWork(opened, name, parts, reportOnce(options.log), () => graceMs);
  const access = await openAccess(
    {
      ...parts,
      channel: work.channel,
      decisions: makeDecisions(parts.store),
      actorOf: makeTokenCheck(keepToken(dataDir)),
      fsck: async () => joinReports(await fsckOf(parts.store), await parts.cloud.fsck()),
      exportGit: () => gitExport(exportMessages(parts.store)),
      workers: () => [{ name, addresses: [...work.addresses()], claims: work.worker.inFlight }],
      version: VERSION,
      simulated: options.simulate,
    },
    { listen: options.listen, allowRemote: options.allowRemote ?? false },
  );
  opened.defer(() => access.close());
  writeServerFile(dataDir, access.url);
  opened.defer(() => removeServerFile(dataDir));
  const closing = opened.move();
  return {
    url: access.url,
    close: (grace = graceMs) => {
      graceMs = grace;
      return closing.disposeAsync();
    },
  };
}

interface Parts {
  readonly store: Store;
  readonly cloud: Cloud;
  readonly catalogue: OpenCatalogue;
  readonly flows: FlowBook;
}

/** What there is to know: the store, the cloud on it, and the actions and flows of all folders. */
async function openParts(
  opened: AsyncDisposableStack,
  dataDir: string,
  options: ServerOptions,
): Promise<Parts> {
  const store = await openStore(dataDir);
  opened.defer(() => store.close());
  startSpawner();
  opened.defer(() => closeSpawners());
  const cloud = await openCloud({
    store,
    dataDir,
    cacheDir: cacheFolder(),
    simulate: options.simulate,
    onProgress: options.log,
  });
  opened.defer(() => cloud.close());
  const onFault = ({ where, reason }: Fault): void => options.log(`${where}: ${reason}`);
  const catalogue = openCatalogue({ builtin: cloud.modules, dirs: options.modulesDirs, onFault });
  opened.defer(() => catalogue.close());
  await catalogue.refresh();
  catalogue.watch();
  const flows = openFlows({ dirs: [FLOWS, ...options.flowsDirs], onFault });
  opened.defer(() => flows.close());
  await flows.refresh();
  flows.watch();
  return { store, cloud, catalogue, flows };
}

interface Work {
  readonly channel: StoreChannel;
  readonly worker: Worker;
  addresses(): readonly string[];
}

/** What moves messages: the channel, the groups, and this process's own worker. */
function openWork(
  opened: AsyncDisposableStack,
  name: string,
  { store, cloud, catalogue }: Parts,
  onFault: (error: unknown) => void,
  graceMs: () => number,
): Work {
  const channel = new StoreChannel(store);
  opened.defer(() => channel.close());
  const groups = new GroupServer(channel, `${name}-groups`, Math.random, onFault);
  opened.defer(() => groups.close());
  const served = new ServedAddresses(catalogue, () => cloud.hostNames());
  const addresses = (): readonly string[] => served.now();
  const now = (): number => store.now();
  const leaseMs = store.capabilities.shared ? SHARED_LEASE_MS : OWN_LEASE_MS;
  const worker = new Worker({ name, channel, catalogue, addresses, now, leaseMs, onFault });
  opened.defer(() => worker.drain(graceMs()));
  return { channel, worker, addresses };
}

/** The PostgreSQL database that COAX_STORE names, which other servers may share, or a file in the data directory. */
async function openStore(dataDir: string): Promise<Store> {
  const url = process.env.COAX_STORE;
  return url
    ? openPostgres({ url, schema: installationSchema })
    : openSqlite({ file: databaseFile(dataDir), schema: installationSchema });
}

function fsckOf(store: Store): Promise<FsckReport> {
  // Where several servers take msgids, one that was taken and not used is no loss.
  return fsckStore(store.scan(), { gapsPossible: store.capabilities.shared });
}

/** Checks the database of a data directory that no server uses. */
export async function offlineFsck(dataDir: string): Promise<FsckReport> {
  const scan = openSqliteScan(databaseFile(resolve(dataDir)));
  try {
    return await fsckStore(scan);
  } finally {
    scan.close();
  }
}

function databaseFile(dataDir: string): string {
  return join(dataDir, 'coax.db');
}

function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CoaxError('COAX_STORE_UNAVAILABLE', `the data directory cannot be made: ${textOf(cause)}`, {
      where: dataDir,
      hint: 'Set COAX_DATA to a folder that this user may write.',
      cause,
    });
  }
}

function joinReports(store: FsckReport, cloud: FsckResult['faults']): FsckResult & { ok: boolean } {
  const faults = [...store.faults, ...cloud];
  return { ...store, ok: store.ok && cloud.length === 0, faults };
}

/** A fault that goes on (a full disk) is told once a second, not thousands of times. */
function reportOnce(log: (line: string) => void): (error: unknown) => void {
  let last = '';
  let at = 0;
  return error => {
    const line = error instanceof CoaxError ? `${error.code}: ${error.reason}` : `defect: ${textOf(error)}`;
    const now = performance.now();
    if (line === last && now - at < 1000) return;
    last = line;
    at = now;
    log(line);
    if (!(error instanceof CoaxError) && error instanceof Error) log(String(error.stack));
  };
}
