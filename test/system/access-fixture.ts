import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { z } from 'zod';
import { hostPrincipal } from '../../src/access/admission/host-scope.ts';
import { Health } from '../../src/access/health/health.ts';
import type { Limits } from '../../src/access/limits/limits.ts';
import { openAccess } from '../../src/access/open-access.ts';
import type { Services } from '../../src/access/services.ts';
import { agentWorkerName } from '../../src/api/agent.ts';
import { GroupServer } from '../../src/channel/groups.ts';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { Presence } from '../../src/channel/presence.ts';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { keyBox } from '../../src/cli/compose/open-package-repository.ts';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { makeClient } from '../../src/client/client.ts';
import { Agents } from '../../src/cloud/agents/agents.ts';
import { openCloud } from '../../src/cloud/cloud.ts';
import { Identity } from '../../src/identity/identity.ts';
import type { OidcLogin } from '../../src/identity/oidc/oidc-login.ts';
import { gitExport } from '../../src/ledger/git-export.ts';
import { openRepository } from '../../src/package/repository/open-repository.ts';
import { openSecrets } from '../../src/secret/open-secrets.ts';
import { openCatalogue } from '../../src/step/catalogue.ts';
import { codesOf } from '../../src/step/codes-of.ts';
import { defineModule } from '../../src/step/define-module.ts';
import { openFlows } from '../../src/step/flow-folder.ts';
import { Terminal } from '../../src/step/step-errors.ts';
import { exportMessages } from '../../src/store/export.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { REAL_TIMERS } from '../../src/store/timers.ts';
import { AddressGuard } from '../../src/webhook/address-guard.ts';
import { Webhooks } from '../../src/webhook/webhooks.ts';
import { Worker } from '../../src/worker/worker.ts';
import type { FixtureOptions } from './cloud-fixture.ts';

export const TOKEN = 'coax_test-token';

/** Steps that tests hold back and let go. */
export class Gates {
  readonly #open = new Map<string, PromiseWithResolvers<void>>();
  readonly #reached = new Map<string, PromiseWithResolvers<void>>();

  /** Lets the step at that gate go on. */
  open(name: string): void {
    this.#at(this.#open, name).resolve();
  }

  /** Resolves when a step stands at that gate. */
  reached(name: string): Promise<void> {
    return this.#at(this.#reached, name).promise;
  }

  async pass(name: string, signal: AbortSignal): Promise<void> {
    this.#at(this.#reached, name).resolve();
    const stopped = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => stopped.reject(new Terminal('stopped')), { once: true });
    await Promise.race([this.#at(this.#open, name).promise, stopped.promise]);
  }

  #at(map: Map<string, PromiseWithResolvers<void>>, name: string): PromiseWithResolvers<void> {
    const gate = map.get(name) ?? Promise.withResolvers<void>();
    map.set(name, gate);
    return gate;
  }
}

function testModule(gates: Gates) {
  return defineModule({
    name: 'lab',
    about: 'Steps that do what a test wants.',
    actions: {
      note: {
        input: z.object({}),
        output: z.object({ noted: z.number() }),
        do: () => ({ noted: 1 }),
        undo: () => {},
      },
      gate: {
        input: z.object({ gate: z.string() }),
        output: z.object({ passed: z.string() }),
        async do({ gate }, call) {
          await gates.pass(gate, call.signal);
          return { passed: gate };
        },
        undo: () => {},
      },
      fail: {
        input: z.object({}),
        output: z.object({}),
        do: () => {
          throw new Terminal('it said no');
        },
        undo: () => {},
      },
      stick: {
        input: z.object({}),
        output: z.object({ stuck: z.boolean() }),
        do: () => ({ stuck: true }),
        undo: () => {
          throw new Terminal('it cannot be undone');
        },
      },
    },
  });
}

/** Where host packages lie, when that is no folder. */
interface PackagesPlace {
  readonly place: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A whole server, simulated hypervisor and all, with its HTTP API on a free port (or a Unix socket). */
export async function openServed(
  options: {
    listen?: 'tcp' | 'unix';
    level?: string;
    limits?: Partial<Limits>;
    oidc?: OidcLogin;
    /** Folder of the built console. */
    console?: string;
    packages?: PackagesPlace;
  } & Pick<FixtureOptions, 'openStore'> = {},
) {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-access-'));
  const store =
    (await options.openStore?.()) ??
    openSqlite({ file: join(dataDir, 'coax.db'), schema: installationSchema });
  const secrets = await openSecrets(store, join(dataDir, 'secret-keys.json'));
  const cloud = await openCloud({ store, dataDir, cacheDir: join(dataDir, 'cache'), simulate: true });
  const gates = new Gates();
  const catalogue = openCatalogue({ builtin: [...cloud.modules, testModule(gates)], dirs: [] });
  const flows = openFlows({ dirs: [join(import.meta.dirname, '../../flows')] });
  await flows.refresh();
  const channel = new StoreChannel(store, Math.random, REAL_TIMERS, secrets.ofMessages);
  const defects: unknown[] = [];
  const groups = new GroupServer(channel, 'groups', Math.random, fault => void defects.push(fault));
  const addresses = [...catalogue.modules(), ...cloud.hostNames().map(host => `compute@${host}`)];
  const worker = new Worker({
    name: 'w1',
    channel,
    catalogue,
    addresses: () => addresses,
    now: () => store.now(),
    onFault: fault => void defects.push(fault),
  });
  const health = new Health('0.0.0-test', true);
  health.opened(store);
  const presence = await Presence.open({ store, process: 'w1', claimantsOf: name => [name] });
  const about = {
    role: 'all' as const,
    host: 'here',
    pid: 1,
    version: '0.0.0-test',
    addresses,
    modules: codesOf(catalogue),
    draining: false,
  };
  presence.add(() => [{ name: worker.name, since: 0, steps: worker.inFlight, about }]);
  const agents = new Agents(store, agentWorkerName);
  const identity = new Identity({
    store,
    token: TOKEN,
    actor: 'tester',
    others: token => hostPrincipal(agents, token),
    sessions: options.oidc === undefined ? null : { provider: options.oidc, sealing: keyBox(secrets) },
  });
  const services: Services = {
    store,
    decisions: makeDecisions(store),
    channel,
    flows,
    catalogue,
    secrets: secrets.given,
    secretKeys: secrets.keys,
    webhooks: new Webhooks(store, secrets.box, new AddressGuard()),
    packages: openRepository({
      store,
      box: keyBox(secrets),
      place: options.packages?.place ?? join(dataDir, 'packages'),
      tempDir: join(dataDir, 'coming'),
      env: options.packages?.env ?? {},
    }),
    cloud,
    agents,
    identity,
    oidc: options.oidc ?? null,
    actorOf: given => identity.principalOf(given),
    fsck: () => fsckStore(store.scan()),
    archive: async () => ({ place: '', archives: [], messages: 0, commits: 0, bytes: 0, kept: 0 }),
    exportGit: projects => gitExport(exportMessages(store, projects)),
    workers: presence,
    name: worker.name,
    health,
    version: '0.0.0-test',
    simulated: true,
  };
  const logged: string[] = [];
  const log = pino({ level: options.level ?? 'warn' }, { write: (line: string) => void logged.push(line) });
  const listen = options.listen === 'unix' ? `unix:${join(dataDir, 'api.sock')}` : '127.0.0.1:0';
  const { limits = {} } = options;
  const page = options.console === undefined ? {} : { console: options.console };
  const open = () => openAccess(services, { listen, log, limits, ...page });
  let access = await open();
  const client = makeClient({ url: access.url, token: TOKEN });
  return {
    dataDir,
    store,
    services,
    gates,
    client,
    /** Lines that the server logged: each is a defect or an unavailability. */
    logged,
    get url() {
      return access.url;
    },
    /** Ends the API and opens it again at the same address. */
    async restart(): Promise<void> {
      const { url } = access;
      await access.close();
      access = await openAccess(services, { listen: url.replace('http://', ''), log, limits });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      await access.close();
      await worker.drain(0);
      await presence.close();
      await groups.close();
      channel.close();
      await cloud.close();
      await store.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export type Served = Awaited<ReturnType<typeof openServed>>;

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever came
  readonly body: any;
}

/** A bare request, for what the client would never send. */
export async function ask(
  served: Served,
  method: string,
  path: string,
  options: { body?: unknown; text?: string; headers?: Record<string, string>; token?: string | null } = {},
): Promise<Answer> {
  const token = options.token === undefined ? TOKEN : options.token;
  const text = options.text ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const answer = await fetch(served.url + path, {
    method,
    headers: {
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(text !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(text !== undefined && { body: text }),
  });
  const type = answer.headers.get('content-type') ?? '';
  const raw = await answer.text();
  return {
    status: answer.status,
    type,
    headers: answer.headers,
    body: type.includes('json') ? JSON.parse(raw) : raw,
  };
}

export const plan = (...steps: string[]) => ({
  steps: steps.map(step => {
    const [module, action] = step.split(' ');
    return { module, action };
  }),
});
