import { CoaxError, textOf } from '../errors/coax-error.ts';
import { BUILTIN, fleetPolicies } from '../policy/fleet-policies.ts';
import type { PolicyBook } from '../policy/policy-book.ts';
import { builtinBook } from '../policy/read-policies.ts';
import type { ModuleDefinition } from '../step/define-module.ts';
import type { Slice } from '../store/slice.ts';
import type { Store } from '../store/store.ts';
import type { OwnedQuery } from './allocations.ts';
import { approvalModule } from './approval/approval-module.ts';
import { computeModule } from './compute/compute-module.ts';
import type { Hypervisor } from './compute/hypervisor.ts';
import { QemuHypervisor } from './compute/qemu/qemu.ts';
import { moveSimulatedGuests, simulatedHost } from './compute/simulated/shared-guests.ts';
import { type Check, runDoctor } from './doctor.ts';
import { type FleetMap, FleetMaps } from './fleet-map.ts';
import { checkGuests } from './fsck/check-guests.ts';
import { type CloudReport, fsckCloud } from './fsck/fsck-cloud.ts';
import type { FsckFault } from './fsck/fsck-fault.ts';
import { hostModule } from './hosts/host-module.ts';
import { reconcileModule } from './hosts/reconcile-module.ts';
import { hostsServedNow } from './hosts/served-hosts.ts';
import { ServedNames } from './hosts/served-names.ts';
import { installationOf } from './installation.ts';
import {
  type HostQuery,
  type HostStateView,
  InventoryViews,
  type PlacementFigures,
} from './inventory-views.ts';
import { type LocalHost, localHostName, localHostSpec, openLocalHost } from './local-host.ts';
import { drainModule } from './move/drain-module.ts';
import { moveModule } from './move/move-module.ts';
import type { HostNetwork } from './network/host-network.ts';
import { networkModule } from './network/network-module.ts';
import { registerNetwork, wiringOf } from './network/register-network.ts';
import { placementModule } from './places/placement-module.ts';
import { PlacementViews } from './plan/placement-views.ts';
import { FleetFeed } from './resource/feed/fleet-feed.ts';
import { type HostSpec, registerHosts, retireHosts } from './resource/register-hosts.ts';
import { resourceModule } from './resource/resource-module.ts';
import { Scheduler } from './resource/scheduler.ts';
import { rolloutModule } from './rollout/rollout-module.ts';
import { cloudSchema, cloudTables } from './schema.ts';
import { SIMULATED_NETWORK, simulatedHosts } from './simulated-hosts.ts';
import { LocalUse } from './use/local-use.ts';
import { type UseNow, type UsePoint, useHistory, usesNow } from './use/use-history.ts';
import type { HostClaimView, HostView, NetworkView, VmView } from './views.ts';

export type { Check } from './doctor.ts';
export type { FsckFault } from './fsck/fsck-fault.ts';
export { cloudSchema } from './schema.ts';
export type { HostView, NetworkView, VmView } from './views.ts';

export interface CloudOptions {
  /** Opened with `cloudSchema`. */
  readonly store: Store;
  readonly dataDir: string;
  readonly cacheDir: string;
  /** Four simulated hosts instead of this machine. */
  readonly simulate: boolean;
  /** False: this process does no steps, so it runs no hosts and only shows what there is. True if absent. */
  readonly serves?: boolean;
  /** Instead of QEMU, or of the simulated hypervisor. */
  readonly hypervisor?: Hypervisor;
  readonly hostNetwork?: HostNetwork;
  /** Name of this machine as a host; by default what the system calls it. */
  readonly hostName?: string;
  /** Hosts instead of sim-1 to sim-4 when simulating. */
  readonly simulatedHosts?: readonly Omit<HostSpec, 'network'>[];
  /** How hosts are chosen, and for whom; what comes with Coax if absent. */
  readonly policies?: PolicyBook;
  readonly onProgress?: (line: string) => void;
}

/** The cloud on top of the store: its modules, and what there is to see. */
export interface Cloud {
  /** `resource`, `network`, `compute`. */
  readonly modules: readonly ModuleDefinition[];
  readonly schema: typeof cloudSchema;
  /** Chooses and claims hosts; with the fleet in memory. */
  readonly scheduler: Scheduler;
  /** Claims on hosts since the start of this process, those lost to others, and how many hosts are in which state. */
  placementFigures(): Promise<PlacementFigures>;
  /** Random text that tells this installation from all others. */
  readonly installation: string;
  /** Hosts whose `compute@HOST` this process must serve; the same list as long as nothing has changed. */
  hostNames(): readonly string[];
  hosts(query?: HostQuery): Promise<HostView[]>;
  /** One host with what is claimed of it; null if there is no such host. */
  host(name: string): Promise<(HostView & { claims: HostClaimView[] }) | null>;
  /** Every host in few bytes, or those with such labels; at most a second old. */
  fleetMap(selector?: string): Promise<FleetMap>;
  /** In what state a host is; null if there is no such host. */
  hostState(name: string): Promise<HostStateView | null>;
  /** What would happen to VMs, policies and reservations. */
  readonly placement: PlacementViews;
  networks(slice?: Slice): Promise<NetworkView[]>;
  /** One network, with who has which address. */
  network(name: string): Promise<NetworkView | null>;
  /** By name. */
  vms(query?: OwnedQuery): Promise<VmView[]>;
  /** By name, or by the first characters (4 or more) of its uuid. */
  vm(nameOrUuid: string, projects?: readonly string[]): Promise<VmView | null>;
  /** What guests use now by their uuids, of all hosts or of one, as far as their hosts told it lately. */
  usesNow(host?: string): Promise<ReadonlyMap<string, UseNow>>;
  /** What a VM used in the last hour on the host that it is on, oldest first. */
  useHistory(vm: Pick<VmView, 'host' | 'uuid'>): Promise<UsePoint[]>;
  /** What the VM's console has shown: the last `bytes`. Errors: COAX_NOT_FOUND. */
  consoleTail(name: string, bytes: number): Promise<string>;
  /** Unix socket of the VM's serial line; null when it has none now. Errors: COAX_NOT_FOUND. */
  serialSocket(name: string): Promise<string | null>;
  /** Hosts whose guests have their serial lines in this process. */
  serialHosts(): readonly string[];
  /** Where the books contradict each other or the guests, here and as agents report them. None is good. */
  fsck(): Promise<FsckFault[]>;
  /** The same, with what could not be compared. */
  fsckReport(): Promise<CloudReport>;
  doctor(): Promise<Check[]>;
  /** Leaves guests running, with their network; without any guest the network is removed from the host. */
  close(): Promise<void>;
}

/** Opens the cloud: finds out what this machine can run, writes its hosts and networks, and finds the guests that run. */
export async function openCloud(options: CloudOptions): Promise<Cloud> {
  const { store, dataDir, cacheDir, simulate, serves = true, onProgress = () => {} } = options;
  const localName = options.hostName ?? localHostName();
  const agents = await hostsWithAgents(store);
  const claimed = serves ? await hostsWithClaims(store) : [];
  const needsLocal =
    !agents.has(localName) &&
    ((serves && !simulate) || claimed.some(host => host.name === localName && !host.simulated));
  const local = needsLocal
    ? await openLocalHost({ ...localParts(options), dataDir, cacheDir, onProgress })
    : null;
  const simulated = (host: string): Hypervisor =>
    (simulate ? options.hypervisor : undefined) ?? simulatedHost(store, dataDir, host);

  if (serves) await moveSimulatedGuests(store, dataDir);
  const specs = serves ? await register(options, localName, local, agents) : [];
  const served = new Map<string, Hypervisor>();
  for (const spec of simulate ? specs : []) served.set(spec.name, simulated(spec.name));
  if (local?.hypervisor) served.set(localName, local.hypervisor);
  // A host that is down takes no VM, but the VMs that it has must still be removable.
  for (const host of claimed)
    if (host.simulated && !served.has(host.name)) served.set(host.name, simulated(host.name));

  const installation = await store.transact(installationOf);
  const views = new InventoryViews(store, served);
  const maps = new FleetMaps(store);
  const policies = options.policies ?? builtinBook(BUILTIN);
  await tellGuests(store, served, installation, onProgress);
  const use = measureGuests(store, served, onProgress);
  const names = await ServedNames.open(store, [...served.keys()]);
  const scheduler = await openScheduler(store, policies, serves);

  return {
    modules: modulesOf({ ...options, policies }, installation, served, scheduler),
    scheduler,
    placementFigures: async () => ({ ...scheduler.counts, hosts: await views.hostsByState() }),
    schema: cloudSchema,
    installation,
    hostNames: () => names.now(),
    hosts: query => views.hosts(query),
    host: name => views.host(name),
    fleetMap: selector => maps.now(selector),
    hostState: name => views.hostState(name),
    placement: new PlacementViews(store, scheduler.feed, policies),
    networks: slice => views.networks(slice),
    network: name => views.network(name),
    vms: query => views.vms(query),
    vm: (name, projects) => views.vm(name, projects),
    ...useOf(store),
    ...linesOf(views, served),
    serialHosts: () => realHosts(served),
    ...fsckOf(() => fsckCloud(store, served, installation)),
    doctor: () => doctorOf(options, local),
    async close() {
      await use.close();
      await names.close();
      // A network that the caller opened is the caller's.
      if (options.hostNetwork === undefined) await removeUnusedNetwork(local, onProgress);
    },
  };
}

/** Of the guests whose hosts this process runs. */
function linesOf(
  views: InventoryViews,
  served: ReadonlyMap<string, Hypervisor>,
): Pick<Cloud, 'consoleTail' | 'serialSocket'> {
  const found = async (name: string): Promise<{ vm: VmView; hypervisor: Hypervisor | null }> => {
    const vm = await views.vm(name);
    if (!vm) throw noSuchVm(name);
    return { vm, hypervisor: served.get(vm.host) ?? null };
  };
  return {
    async consoleTail(name, bytes) {
      const { vm, hypervisor } = await found(name);
      if (vm.uuid === null || !(await hypervisor?.find(vm.uuid))) return '';
      return await hypervisor!.consoleTail(vm.uuid, bytes);
    },
    async serialSocket(name) {
      const { vm, hypervisor } = await found(name);
      return (vm.uuid && (await hypervisor?.find(vm.uuid))?.serialSocket) || null;
    },
  };
}

const useOf = (store: Store): Pick<Cloud, 'usesNow' | 'useHistory'> => ({
  usesNow: host => usesNow(store, host),
  useHistory: async ({ host, uuid }) => (uuid === null ? [] : await useHistory(store, host, uuid)),
});

/** A fault is told once: the same one comes again every few seconds. */
function measureGuests(
  store: Store,
  hypervisors: ReadonlyMap<string, Hypervisor>,
  onProgress: (line: string) => void,
): LocalUse {
  let told = '';
  const onFault = (error: unknown): void => {
    const line = `what guests use is not known: ${textOf(error)}`;
    if (line !== told) onProgress(line);
    told = line;
  };
  return new LocalUse({ store, hypervisors, onFault });
}

const noSuchVm = (name: string): CoaxError =>
  new CoaxError('COAX_NOT_FOUND', `there is no vm ${name}`, {
    where: name,
    hint: '`coax vm ls` lists them.',
  });

const realHosts = (served: ReadonlyMap<string, Hypervisor>): string[] =>
  [...served].filter(([, { kind }]) => kind === 'qemu').map(([host]) => host);

const fsckOf = (fsckReport: Cloud['fsckReport']): Pick<Cloud, 'fsck' | 'fsckReport'> => ({
  fsck: async () => [...(await fsckReport()).faults],
  fsckReport,
});

/** Where VMs will be placed here the fleet is read now, so that the first VM does not wait for it. */
async function openScheduler(store: Store, policies: PolicyBook, serves: boolean): Promise<Scheduler> {
  const scheduler = new Scheduler(new FleetFeed(store, { policies: fleetPolicies(policies) }));
  if (serves) await scheduler.feed.fleet({ db: store.reader, now: store.now() });
  return scheduler;
}

const modulesOf = (
  { store, policies }: CloudOptions & { policies: PolicyBook },
  installation: string,
  served: ReadonlyMap<string, Hypervisor>,
  scheduler: Scheduler,
): ModuleDefinition[] => [
  resourceModule(scheduler, names => policies.nameFor(names)),
  placementModule(scheduler, names => policies.nameFor(names)),
  networkModule(),
  hostModule(),
  reconcileModule(installation),
  moveModule(scheduler),
  drainModule(scheduler),
  rolloutModule(),
  approvalModule(),
  computeModule({
    installation,
    hypervisorAt: host => served.get(host) ?? null,
    wiringOf: network => wiringOf(store, network),
  }),
];

const doctorOf = async (
  { dataDir, cacheDir, simulate }: CloudOptions,
  local: LocalHost | null,
): Promise<Check[]> =>
  runDoctor({
    dataDir,
    cacheDir,
    simulate,
    accelerator: await probedAccelerator(local?.hypervisor ?? null),
    hypervisorFault: local?.fault || null,
  });

/** What was given stands for the local host only when it is not for the simulated ones. */
const localParts = ({ simulate, hypervisor, hostNetwork }: CloudOptions) => ({
  hypervisor: simulate ? undefined : hypervisor,
  hostNetwork,
});

/** The guests' network goes from the host with its last guest. */
async function removeUnusedNetwork(
  local: LocalHost | null,
  onProgress: (line: string) => void,
): Promise<void> {
  if (!local?.hypervisor) return;
  try {
    if ((await local.hypervisor.list()).length === 0) await local.network?.remove();
  } catch (error) {
    onProgress(`the guests' network stays: ${textOf(error)}`);
  }
}

/** What the probe has found, once it has; at most 5 s after the start. */
async function probedAccelerator(hypervisor: Hypervisor | null): Promise<string | null> {
  return hypervisor instanceof QemuHypervisor ? await hypervisor.probed : (hypervisor?.accelerator ?? null);
}

/** Writes networks and hosts as they are at this start; gives the hosts. */
async function register(
  options: CloudOptions,
  localName: string,
  local: LocalHost | null,
  agents: ReadonlySet<string>,
): Promise<HostSpec[]> {
  const elsewhere = await hostsServedNow(options.store);
  return await options.store.transact(async tx => {
    let specs: HostSpec[];
    if (options.simulate) {
      const network = await registerNetwork(tx, 'simulated', SIMULATED_NETWORK);
      specs = options.simulatedHosts?.map(host => ({ ...host, network })) ?? simulatedHosts(network);
    } else if (local === null) specs = [];
    else {
      const { network } = local;
      const name = network
        ? await registerNetwork(tx, 'default', {
            cidr: network.cidr,
            gateway: network.gateway,
            prefix: network.prefix,
            mode: network.mode,
            httpPort: network.httpPort,
            simulated: local.hypervisor?.kind === 'simulated',
          })
        : 'default';
      specs = [localHostSpec(localName, name, local)];
    }
    specs = specs.filter(({ name }) => !agents.has(name));
    await registerHosts(tx, specs);
    const known = await cloudTables(tx.db).selectFrom('hosts').select(['name', 'simulated']).execute();
    const wanted = new Set(specs.map(({ name }) => name));
    const gone = known.filter(({ name }) => !wanted.has(name) && !agents.has(name));
    const paper = gone.filter(host => Number(host.simulated) === 1 && !elsewhere.has(host.name));
    await retireHosts(
      tx,
      paper.map(({ name }) => name),
      'simulated, and the server was started without --simulate',
    );
    const real = gone.filter(host => Number(host.simulated) === 0 && host.name === localName);
    await retireHosts(
      tx,
      real.map(({ name }) => name),
      'the server was started with --simulate',
    );
    return specs;
  });
}

/** Hosts that are no concern of this process: agents of their own serve them and say how they are. */
async function hostsWithAgents(store: Store): Promise<ReadonlySet<string>> {
  const rows = await cloudTables(store.reader)
    .selectFrom('hosts')
    .select('name')
    .where('agent', '=', 1)
    .execute();
  return new Set(rows.map(({ name }) => name));
}

async function hostsWithClaims(store: Store): Promise<{ name: string; simulated: boolean }[]> {
  const rows = await cloudTables(store.reader)
    .selectFrom('hosts')
    .select(['name', 'simulated'])
    .where('agent', '=', 0)
    .where(eb => eb.or([eb('cpu_used', '>', 0), eb('mem_used_mib', '>', 0)]))
    .execute();
  return rows.map(row => ({ name: row.name, simulated: Number(row.simulated) === 1 }));
}

/** Says which guests were found running, and which of them nobody stands for; those are never ended unasked. */
async function tellGuests(
  store: Store,
  served: ReadonlyMap<string, Hypervisor>,
  installation: string,
  onProgress: (line: string) => void,
): Promise<void> {
  for (const hypervisor of new Set(served.values())) {
    const guests = await hypervisor.list();
    if (guests.length === 0) continue;
    const running = guests.filter(({ state }) => state === 'running').length;
    const kind = hypervisor.kind === 'simulated' ? 'simulated guest' : 'guest';
    onProgress(`found ${guests.length} ${kind}${guests.length === 1 ? '' : 's'}, ${running} running`);
  }
  for (const { where, reason } of (await checkGuests(store, served, installation)).faults)
    onProgress(`${where}: ${reason}`);
}
