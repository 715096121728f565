import { type AgentReport, agentWorkerName, type EnrolAnswer, type ReportAnswer } from '../api/agent.ts';
import type { Servers } from '../client/servers/servers.ts';
import { computeModule } from '../cloud/compute/compute-module.ts';
import type { Guest, Hypervisor } from '../cloud/compute/hypervisor.ts';
import type { LocalHost } from '../cloud/local-host.ts';
import { GuestMeter } from '../cloud/use/guest-meter.ts';
import type { GuestUse } from '../cloud/use/guest-use.ts';
import { textOf } from '../errors/coax-error.ts';
import { localLines } from '../serial/guest-line.ts';
import { openCatalogue } from '../step/catalogue.ts';
import { codesOf } from '../step/codes-of.ts';
import type { ModuleDefinition } from '../step/define-module.ts';
import { Worker } from '../worker/worker.ts';
import { AgentClient } from './agent-client.ts';
import type { AgentFolder, AgentStatus, Membership } from './agent-folder.ts';
import { addressTowards, bootId, factsOf, liveOf, reportedGuest } from './facts/host-report.ts';
import { HostChannel } from './host-channel.ts';
import { Reporter } from './reporter.ts';
import { SerialRelay } from './serial-relay.ts';
import { ServerClock } from './server-clock.ts';

/** From one report to the next. */
const REPORT_MS = 5000;

export interface AgentParts {
  readonly folder: AgentFolder;
  readonly membership: Membership;
  /** Where its server is: the one of them that is asked now. */
  readonly servers: Servers;
  readonly local: LocalHost;
  readonly dataDir: string;
  readonly version: string;
  /** Modules that are served whether or not there is a hypervisor. */
  readonly modules: readonly ModuleDefinition[];
  /** A line about what the agent does. */
  log(line: string): void;
  onFault(error: unknown): void;
}

/**
 * The agent of a host at work: it serves `compute@HOST` and tells the server of the host every few seconds. Guests are
 * found where they are, so it may end at any instant and another carries on.
 */
export class Agent {
  readonly connected: Promise<void>;
  readonly #parts: AgentParts;
  readonly #client: AgentClient;
  readonly #channel: HostChannel;
  readonly #worker: Worker;
  readonly #reporter: Reporter;
  readonly #serial: SerialRelay | null;
  readonly #meter = new GuestMeter();
  readonly #isConnected: () => void;
  #network: EnrolAnswer['network'];
  #status: AgentStatus;
  #guests = 0;

  constructor(parts: AgentParts) {
    const { folder, membership, servers, local, version } = parts;
    const { host, ca, network } = membership;
    this.#parts = parts;
    this.#network = network;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.connected = promise;
    this.#isConnected = resolve;
    this.#status = {
      pid: process.pid,
      host,
      url: servers.current.url,
      version,
      connected: false,
      since: Date.now(),
      state: null,
      reason: '',
      guests: 0,
      steps: 0,
    };
    this.#client = new AgentClient({ url: servers, ca }, host, folder.key());
    const clock = new ServerClock();
    this.#channel = new HostChannel(this.#client.channel, clock);
    this.#worker = this.#serve(clock);
    this.#serial = local.hypervisor === null ? null : this.#carry(local.hypervisor);
    this.#reporter = new Reporter({
      everyMs: REPORT_MS,
      random: Math.random,
      report: () => this.#report(),
      send: report => this.#client.report(report),
      onAnswer: answer => this.#hear(answer),
      onFault: error => {
        parts.onFault(error);
        this.#tell(false, this.#status.state, textOf(error));
      },
    });
  }

  async drain(graceMs: number): Promise<void> {
    await this.#worker.drain(graceMs);
  }

  /**
   * Tells the server that this agent stops, if it is there; to be called when no step is under way any more. `returns`: another
   * is about to take its place. False when the server is not there.
   */
  async sayGoodbye(returns: boolean): Promise<boolean> {
    // A report that came after it would bring the host up again.
    await this.#reporter.close();
    const { connected } = this.#status;
    if (connected) await this.#client.goodbye(returns);
    return connected;
  }

  close(): void {
    void this.#reporter.close();
    this.#serial?.close();
    this.#meter[Symbol.dispose]();
    this.#client.close();
  }

  /** Lets people reach the serial lines of the guests here. */
  #carry(hypervisor: Hypervisor): SerialRelay {
    const { membership, servers, onFault } = this.#parts;
    const { host, ca } = membership;
    const source = localLines({
      serialSocket: async uuid => (await hypervisor.find(uuid))?.serialSocket ?? null,
      consoleTail: async (uuid, bytes) =>
        (await hypervisor.find(uuid)) === null ? '' : hypervisor.consoleTail(uuid, bytes),
    });
    return new SerialRelay({ servers, host, ca, source, token: this.#client.session, onFault });
  }

  #serve(clock: ServerClock): Worker {
    const { local, membership, version, modules, onFault } = this.#parts;
    const { host, installation } = membership;
    const compute = computeModule({
      installation,
      hypervisorAt: name => (name === host ? local.hypervisor : null),
      wiringOf: async name => (this.#network?.name === name ? this.#network : null),
    });
    // Without a hypervisor nothing here can say that a guest is made or gone: such steps wait until there is one.
    const builtin = local.hypervisor === null ? modules : [compute, ...modules];
    const catalogue = openCatalogue({ builtin, dirs: [] });
    const name = agentWorkerName(host);
    const addresses = catalogue.modules().map(module => `${module}@${host}`);
    const hello = { worker: name, host, pid: process.pid, version, modules: codesOf(catalogue) };
    // A server that is away hears of it with the next session.
    this.#client.channel.introduce(hello).catch(() => {});
    return new Worker({
      name,
      channel: this.#channel,
      catalogue,
      addresses: () => addresses,
      now: () => clock.now(),
      onFault,
    });
  }

  async #report(): Promise<AgentReport> {
    const { local, membership, servers, dataDir, version } = this.#parts;
    const guests = (await local.hypervisor?.list()) ?? [];
    this.#guests = guests.length;
    const uses = await this.#measure(guests);
    return {
      bootId: bootId(),
      version,
      address: await addressTowards(servers.current.url),
      facts: factsOf(local, membership, dataDir),
      live: liveOf(guests, dataDir),
      guests: guests.map(guest => reportedGuest(guest, uses)),
    };
  }

  /** A host whose guests cannot be measured is a host all the same. */
  async #measure(guests: readonly Guest[]): Promise<ReadonlyMap<string, GuestUse>> {
    try {
      return await this.#meter.measure(guests);
    } catch (error) {
      this.#parts.onFault(error);
      return new Map();
    }
  }

  #hear({ state, reason, network }: ReportAnswer): void {
    this.#network = network;
    this.#tell(true, state, reason);
  }

  #tell(connected: boolean, state: string | null, reason: string): void {
    const before = this.#status;
    const { url } = this.#parts.servers.current;
    if (connected !== before.connected || (connected && url !== before.url)) {
      this.#parts.log(connected ? `connected to ${url} as ${before.host}` : `not connected: ${reason}`);
    }
    // What was to be done at a lost host is done without it; its return begins with a comparison.
    this.#channel.open = connected && state !== 'lost';
    this.#status = {
      ...before,
      url,
      connected,
      since: connected === before.connected ? before.since : Date.now(),
      state,
      reason,
      guests: this.#guests,
      steps: this.#worker.inFlight,
    };
    this.#parts.folder.tell(this.#status);
    if (connected) this.#isConnected();
  }
}
