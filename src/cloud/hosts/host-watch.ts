import type { Parameters } from '../../message/message.ts';
import type { Store } from '../../store/store.ts';
import { REAL_TIMERS, type Timers } from '../../store/timers.ts';
import { lookAgain } from '../look-again.ts';
import { owedByHost } from '../owed/owed.ts';
import { cloudTables } from '../schema.ts';
import { hostsOfAgents, hostsOfProcesses, type WatchedHost } from './watched-hosts.ts';

const LOOK_MS = 1000;
/** What failed is tried again so often. */
const AGAIN_MS = 60_000;

export interface HostWatchOptions {
  readonly store: Pick<Store, 'reader' | 'now' | 'messages' | 'capabilities'>;
  /** Submits a flow that comes with Coax. The same key never makes a second message. */
  submit(flow: string, parameters: Parameters, key: string): Promise<void>;
  /** Milliseconds: a host that is down for so long is declared lost. Never if absent. It promises that something fences the host by then. */
  readonly lostAfterMs?: number;
  onFault(error: unknown): void;
  readonly timers?: Timers;
}

/**
 * Watches the hosts of agents and, where processes share the store, those that these run: one that is silent is marked as down (an
 * agent's, if that is wanted, as lost after a while), one that is heard of again returns, and what is owed at a host that is up is
 * cleaned. All of it by messages; several servers submit each only once, since its key says what for.
 */
export class HostWatch {
  readonly #options: HostWatchOptions;
  readonly #timers: Timers;
  readonly #begun: number;
  readonly close: () => Promise<void>;

  constructor(options: HostWatchOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
    this.#begun = this.#timers.monotonic();
    const onFault = (error: unknown) => options.onFault(error);
    this.close = lookAgain({ timers: this.#timers, everyMs: LOOK_MS, look: () => this.#look(), onFault });
  }

  async #look(): Promise<void> {
    const now = this.#options.store.now();
    const { store } = this.#options;
    const ofAgents = await hostsOfAgents(store.reader);
    for (const host of [...ofAgents, ...(await hostsOfProcesses(store))]) await this.#decide(host, now);
    await this.#lose(ofAgents, now);
    await this.#clean(now);
  }

  async #decide(watched: WatchedHost, now: number): Promise<void> {
    const { host, state, seen, leaseUntil, since, returns, silence } = watched;
    const { submit } = this.#options;
    const isSilent = leaseUntil < now;
    if (isSilent && (state === 'up' || state === 'draining')) {
      await submit('host_down', { host, reason: silence }, `host-down/${host}/${leaseUntil}/${since}`);
    }
    // Only a report that came after it was marked says that it is back.
    if (isSilent || !returns || seen <= since) return;
    if (await this.#isUnderWay('return_host', host)) return;
    await submit('return_host', { host }, `return-host/${host}/${Math.floor(now / AGAIN_MS)}/${since}`);
  }

  /**
   * Declares hosts lost that are down for too long, if that is wanted. Not while no host is heard of, for then it is rather
   * this server that is cut off; and only what this process saw for so long itself, for hosts need time to come back to a
   * server that was away.
   */
  async #lose(hosts: readonly WatchedHost[], now: number): Promise<void> {
    const { lostAfterMs, submit } = this.#options;
    if (lostAfterMs === undefined || this.#timers.monotonic() - this.#begun < lostAfterMs) return;
    if (!hosts.some(({ leaseUntil }) => leaseUntil >= now)) return;
    for (const { host, state, leaseUntil, since, silence } of hosts) {
      // Without a lease it never reported, or its key was revoked: that says nothing of the machine.
      const isOver = leaseUntil > 0 && now - Math.max(leaseUntil, since) >= lostAfterMs;
      if (state !== 'down' || !isOver) continue;
      const reason = `${silence}: coax up --lost-after ${lostAfterMs / 1000}s declares it lost, and promises that it is fenced`;
      await submit('lose_host', { host, reason, fenced: true }, `lose-host/${host}/${leaseUntil}/${since}`);
    }
  }

  async #clean(now: number): Promise<void> {
    const { store, submit } = this.#options;
    const owed = await owedByHost({ db: store.reader });
    if (owed.size === 0) return;
    const rows = await cloudTables(store.reader)
      .selectFrom('hosts')
      .select('name')
      .where('name', 'in', [...owed.keys()])
      .where('state', 'in', ['up', 'draining'])
      .execute();
    for (const { name: host } of rows) {
      if (await this.#isUnderWay('reconcile_host', host)) continue;
      const parameters = { host, apply: true, owed_only: true };
      await submit('reconcile_host', parameters, `owed/${host}/${Math.floor(now / AGAIN_MS)}`);
    }
  }

  async #isUnderWay(flow: string, host: string): Promise<boolean> {
    for (const status of ['queued', 'running', 'waiting'] as const) {
      const found = await this.#options.store.messages({ flow, status, limit: 1000 });
      if (found.some(({ base }) => base.host === host)) return true;
    }
    return false;
  }
}
