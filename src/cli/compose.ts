import { join, resolve } from 'node:path';
import { hostPrincipal } from '../access/admission/host-scope.ts';
import { Health } from '../access/health/health.ts';
import { openHealth } from '../access/health/open-health.ts';
import { openAccess } from '../access/open-access.ts';
import type { FsckResult } from '../access/services.ts';
import { acceptOne, submissionOf } from '../access/submit.ts';
import { agentWorkerName } from '../api/agent.ts';
import { makeDecisions } from '../channel/make-decisions.ts';
import { Agents } from '../cloud/agents/agents.ts';
import type { CloudReport } from '../cloud/fsck/fsck-cloud.ts';
import { HostWatch, type HostWatchOptions } from '../cloud/hosts/host-watch.ts';
import { ReservationWatch } from '../cloud/places/reservation-watch.ts';
import { CoaxError } from '../errors/coax-error.ts';
import { Identity } from '../identity/identity.ts';
import { readOidcFile } from '../identity/oidc/oidc-file.ts';
import { OidcLogin } from '../identity/oidc/oidc-login.ts';
import { gitExport } from '../ledger/git-export.ts';
import { DEFAULT_PROJECT } from '../message/limits.ts';
import type { OpenSecrets } from '../secret/open-secrets.ts';
import { exportMessages } from '../store/export.ts';
import type { FsckReport } from '../store/fsck.ts';
import type { Store } from '../store/store.ts';
import { openArchives } from './compose/archives.ts';
import { keyBox, tendPackages } from './compose/open-package-repository.ts';
import { openBook, openParts } from './compose/open-parts.ts';
import { checkStore, makeDataDir } from './compose/open-store.ts';
import { openWebhooks } from './compose/open-webhooks.ts';
import { openWork } from './compose/open-work.ts';
import { LISTEN_DEFAULT, type ProcessOptions, VERSION } from './compose/process-options.ts';
import { reportOnce } from './compose/report-once.ts';
import { keepToken, removeServerFile, writeServerFile } from './server-file.ts';

/** Steps under way may take so long when the process stops, before they are told to end. */
const GRACE_MS = 10_000;

export interface RunningProcess {
  /** As `coax workers` lists it. */
  readonly name: string;
  /** Where it listens; null for a worker without an address. */
  readonly url: string | null;
  /**
   * Ends in order: /readyz says no; nothing more is claimed; the steps under way end, told to after `graceMs`; what is held
   * over HTTP is let go. Guests run on.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Puts a process of Coax together. Errors: COAX_STORE_LOCKED, COAX_STORE_UNAVAILABLE, COAX_STORE_CORRUPT, COAX_USAGE,
 * COAX_WORKER_NAME.
 */
export async function openProcess(options: ProcessOptions): Promise<RunningProcess> {
  if (options.role === 'worker') return openWorkerProcess(options);
  await using opened = new AsyncDisposableStack();
  const dataDir = resolve(options.dataDir);
  const oidc = options.oidcFile === undefined ? null : new OidcLogin(readOidcFile(options.oidcFile));
  const health = new Health(VERSION, options.simulate);
  makeDataDir(dataDir);
  const parts = await openParts(opened, dataDir, options);
  const flows = await openBook(opened, options);
  const work = await openWork(opened, parts, options, health);
  health.opened(parts.store);
  const archives = openArchives(opened, parts.store, dataDir, options);
  const store = archives.readable;
  const agents = new Agents(store, agentWorkerName);
  const identity = openIdentity({ store, dataDir, agents, oidc, secrets: parts.secrets });
  const submit = submitter({ ...parts, secrets: parts.secrets.given, flows, identity });
  const watch = new HostWatch({
    store,
    submit,
    ...(options.lostAfterMs !== undefined && { lostAfterMs: options.lostAfterMs }),
    onFault: reportOnce(options.log),
  });
  opened.defer(() => watch.close());
  const reservations = new ReservationWatch({ store, submit, onFault: reportOnce(options.log) });
  opened.defer(() => reservations.close());
  const access = await openAccess(
    {
      ...parts,
      store,
      secrets: parts.secrets.given,
      secretKeys: parts.secrets.keys,
      webhooks: openWebhooks(opened, parts, work.name, options),
      packages: tendPackages(opened, parts.packages, options),
      flows,
      channel: work.channel,
      decisions: makeDecisions(store),
      agents,
      identity,
      oidc,
      actorOf: given => identity.principalOf(given),
      fsck: async () => joinReports(await checkStore(parts.store), await parts.cloud.fsckReport()),
      archive: (olderThanMs, to) => archives.archive(olderThanMs, to),
      cgi: parts.cgi && { folder: parts.cgi, dataDir },
      exportGit: projects => gitExport(exportMessages(store, projects)),
      workers: work.presence,
      name: work.name,
      health,
      version: VERSION,
      simulated: options.simulate,
    },
    {
      listen: options.listen ?? LISTEN_DEFAULT,
      allowRemote: options.allowRemote ?? false,
      ...(options.limits && { limits: options.limits }),
      ...(options.trustProxy && { trustProxy: options.trustProxy }),
      console: join(import.meta.dirname, '../../web/dist'),
      ...(options.peerUrl !== undefined && { peerUrl: options.peerUrl }),
    },
  );
  opened.defer(() => access.close());
  writeServerFile(dataDir, access.url);
  opened.defer(() => removeServerFile(dataDir));
  const { lingerMs = 0 } = options;
  const leave = lingerMs > 0 ? () => access.leave(lingerMs) : null;
  return running(opened.move(), work, health, { url: access.url, leave });
}

function openIdentity(needs: {
  readonly store: Store;
  readonly dataDir: string;
  readonly agents: Agents;
  readonly oidc: OidcLogin | null;
  readonly secrets: OpenSecrets;
}): Identity {
  const { store, dataDir, agents, oidc, secrets } = needs;
  return new Identity({
    store,
    token: keepToken(dataDir),
    others: token => hostPrincipal(agents, token),
    sessions: oidc && { provider: oidc, sealing: keyBox(secrets) },
  });
}

/** What the server itself submits, for the whole installation. */
const COAX = { actor: 'coax', trace: null, projectFor: () => DEFAULT_PROJECT, allows: () => {} };
const submitter =
  (needs: Parameters<typeof submissionOf>[0]): HostWatchOptions['submit'] =>
  async (flow, parameters, key) => {
    await acceptOne(needs, submissionOf(needs, { flow, parameters, key }, COAX));
  };

/** Steps alone: straight on the store that it shares with servers and other workers. */
async function openWorkerProcess(options: ProcessOptions): Promise<RunningProcess> {
  if (options.storeUrl === null) {
    throw new CoaxError('COAX_USAGE', 'a process of role worker needs a store that it shares with servers', {
      where: '--role worker',
      hint: 'COAX_STORE=postgres://… names one. On SQLite, `coax worker --modules DIR` does steps for a server over HTTP.',
    });
  }
  await using opened = new AsyncDisposableStack();
  const dataDir = resolve(options.dataDir);
  const health = new Health(VERSION, options.simulate);
  makeDataDir(dataDir);
  let url: string | null = null;
  if (options.listen !== null) {
    const { listen, allowRemote = false } = options;
    const server = await openHealth(health, { listen, allowRemote });
    opened.defer(() => server.close());
    url = server.url;
  }
  const parts = await openParts(opened, dataDir, options);
  const work = await openWork(opened, parts, options, health);
  health.opened(parts.store);
  return running(opened.move(), work, health, { url, leave: null });
}

function running(
  closing: AsyncDisposableStack,
  work: Awaited<ReturnType<typeof openWork>>,
  health: Health,
  { url, leave }: { readonly url: string | null; readonly leave: (() => Promise<void>) | null },
): RunningProcess {
  const drain = work.start();
  return {
    name: work.name,
    url,
    async close(graceMs = GRACE_MS) {
      health.drain();
      work.presence.changed();
      try {
        await Promise.all([drain(graceMs), leave?.()]);
      } finally {
        await closing.disposeAsync();
      }
    },
  };
}

function joinReports(store: FsckReport, cloud: CloudReport): FsckResult & { ok: boolean } {
  const faults = [...store.faults, ...cloud.faults];
  return { ...store, ok: store.ok && cloud.faults.length === 0, faults, notes: cloud.notes };
}
