import { hostname } from 'node:os';
import type { Health } from '../../access/health/health.ts';
import { GroupServer } from '../../channel/groups.ts';
import { Presence } from '../../channel/presence.ts';
import { type Sharing, StoreChannel } from '../../channel/store-channel.ts';
import { LostHosts } from '../../cloud/hosts/lost-hosts.ts';
import { isOwn } from '../../placement/shard.ts';
import { codesOf } from '../../step/codes-of.ts';
import { REAL_TIMERS } from '../../store/timers.ts';
import { Worker } from '../../worker/worker.ts';
import type { Parts } from './open-parts.ts';
import { type ProcessOptions, VERSION } from './process-options.ts';
import { reportOnce } from './report-once.ts';
import { ServedAddresses } from './served-addresses.ts';

/** Where nobody else can use the store, leases end with this process, so they may be long. */
const OWN_LEASE_MS = 10 * 60_000;
/** So often what this process serves is compared with what it told of it. */
const LOOK_MS = 1000;

export interface Work {
  readonly name: string;
  readonly channel: StoreChannel;
  readonly presence: Presence;
  /** Begins to take messages; returns what lets the steps under way end. */
  start(): (graceMs: number) => Promise<void>;
}

/** What moves messages: the channel, the groups, this process's own worker, and what tells others of it. */
export async function openWork(
  opened: AsyncDisposableStack,
  parts: Parts,
  options: ProcessOptions,
  health: Health,
): Promise<Work> {
  const { store, secrets, cloud, catalogue } = parts;
  const { role, log } = options;
  const onFault = reportOnce(log);
  const name = `${hostname()}-${process.pid}`;
  let presence: Presence | null = null;
  const sharing = sharingOf(name, catalogue, () => presence);
  const channel = new StoreChannel(store, Math.random, REAL_TIMERS, secrets.ofMessages, sharing);
  opened.defer(() => channel.close());
  const known = await Presence.open({
    store,
    process: name,
    claimantsOf: dead => [dead, groupsOf(dead), lostOf(dead)],
    onFault,
    onDeath: (dead, claims) => log(`${dead} has died; ${claims} of its steps are given on`),
  });
  presence = known;
  opened.defer(() => known.close());
  if (role !== 'worker') openCaretakers(opened, parts, channel, name, onFault);
  const served = new ServedAddresses(catalogue, () => cloud.hostNames());
  const since = store.now();
  let worker: Worker | null = null;
  known.add(() => [
    {
      name,
      since,
      steps: worker?.inFlight ?? 0,
      about: {
        role,
        host: hostname(),
        pid: process.pid,
        version: VERSION,
        addresses: role === 'server' ? [] : served.now(),
        modules: role === 'server' ? {} : codesOf(catalogue),
        draining: health.draining.aborted,
      },
    },
  ]);
  const start = (): ((graceMs: number) => Promise<void>) => {
    if (role === 'server') return async () => {};
    const begun = new Worker({
      name,
      channel,
      catalogue,
      addresses: () => served.now(),
      now: () => store.now(),
      isKnown: (module, action) => known.isKnown(module, action),
      ...leaseOf(options, store.capabilities.shared),
      onFault,
    });
    worker = begun;
    return graceMs => begun.drain(graceMs);
  };
  // Those that place VMs each look at a part of the fleet first, so that they do not all want the same host.
  cloud.scheduler.share(name, () => known.servers('resource'));
  opened.defer(tellOfChanges(parts, known));
  return { name, channel, presence: known, start };
}

/**
 * What is done in the store's transactions is cheaper the more of it one process does together, and takes no time: one process does
 * it before the others, and it keeps what it accepts itself. Messages come before this process knows of the others.
 */
function sharingOf(name: string, catalogue: Parts['catalogue'], presence: () => Presence | null): Sharing {
  const isTransactional = transactionalModules(catalogue);
  const yields = (address: string): boolean => {
    const peers = presence()?.servers(address);
    if (peers === undefined) return false;
    const first = !peers.includes(name) || isOwn(address, { name, peers });
    return !first && isTransactional(address);
  };
  return { yields, keeps: isTransactional };
}

/** Says of a module whether all its actions are done inside the store's transactions. Worked out anew when there are other actions. */
function transactionalModules(catalogue: Parts['catalogue']): (module: string) => boolean {
  let of: ReturnType<Parts['catalogue']['list']> | null = null;
  let modules: ReadonlySet<string> = new Set();
  return module => {
    const actions = catalogue.list();
    if (actions !== of) {
      of = actions;
      const others = new Set(actions.flatMap(each => (each.kind === 'transactional' ? [] : each.module)));
      modules = new Set(actions.map(each => each.module)).difference(others);
    }
    return modules.has(module);
  };
}

/** What a server sees to besides steps: groups, and hosts that are lost. */
function openCaretakers(
  opened: AsyncDisposableStack,
  { store, cloud, catalogue }: Parts,
  channel: StoreChannel,
  name: string,
  onFault: (error: unknown) => void,
): void {
  const groups = new GroupServer(channel, groupsOf(name), Math.random, onFault);
  opened.defer(() => groups.close());
  const lost = new LostHosts({
    store,
    channel,
    name: lostOf(name),
    installation: cloud.installation,
    modules: () => catalogue.modules(),
    onFault,
  });
  opened.defer(() => lost.close());
}

function leaseOf({ leaseMs }: ProcessOptions, isShared: boolean): { leaseMs?: number } {
  if (!isShared) return { leaseMs: OWN_LEASE_MS };
  return leaseMs === undefined ? {} : { leaseMs };
}

const groupsOf = (name: string): string => `${name}-groups`;
const lostOf = (name: string): string => `${name}-lost`;

/** New modules and new code are told of within a second. Returns what ends it. */
function tellOfChanges({ catalogue }: Parts, presence: Presence): () => void {
  let told = catalogue.list();
  const timer = setInterval(() => {
    if (catalogue.list() === told) return;
    told = catalogue.list();
    presence.changed();
  }, LOOK_MS).unref();
  return () => clearInterval(timer);
}
