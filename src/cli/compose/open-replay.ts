import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDecisions } from '../../channel/make-decisions.ts';
import { StoreChannel } from '../../channel/store-channel.ts';
import { openCloud } from '../../cloud/cloud.ts';
import { GuestMap } from '../../cloud/compute/simulated/guest-book.ts';
import { SimulatedHypervisor } from '../../cloud/compute/simulated/simulated.ts';
import { invariant } from '../../errors/coax-error.ts';
import { planOf } from '../../flow/plan-of.ts';
import type { Random } from '../../placement/fleet.ts';
import type { Target } from '../../replay/replay.ts';
import { systemTarget } from '../../replay/system/system-target.ts';
import { VirtualTimers } from '../../replay/system/virtual-timers.ts';
import type { TraceHost } from '../../replay/trace/read-hosts.ts';
import { openCatalogue } from '../../step/catalogue.ts';
import { openFlows } from '../../step/flow-folder.ts';
import { openSqlite } from '../../store/sqlite/open-sqlite.ts';
import { Worker } from '../../worker/worker.ts';
import { installationSchema } from '../installation-schema.ts';
import { FLOWS } from './open-parts.ts';
import { checkStore } from './open-store.ts';

/** The day on which every trace begins: the same ledger from the same trace. */
const EPOCH_MS = Date.UTC(2025, 0, 1);
/** Leases end with this process. */
const LEASE_MS = 10 * 365 * 86_400_000;

export interface ReplaySystemOptions {
  readonly hosts: readonly TraceHost[];
  /** Of placement; empty for the usual one. */
  readonly policy: string;
  readonly random: Random;
  onFault(error: unknown): void;
}

/** A whole Coax for a replay, in a temporary folder that goes with `opened`: store, channel, worker and simulated hosts. */
export async function openReplaySystem(
  opened: AsyncDisposableStack,
  { hosts, policy, random, onFault }: ReplaySystemOptions,
): Promise<Target> {
  const dataDir = mkdtempSync(join(tmpdir(), 'coax-replay-'));
  opened.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const timers = new VirtualTimers();
  const file = join(dataDir, 'coax.db');
  const store = openSqlite({ file, schema: installationSchema, timers, wall: () => EPOCH_MS, scratch: true });
  opened.defer(() => store.close());
  const cloud = await openCloud({
    store,
    dataDir,
    cacheDir: dataDir,
    simulate: true,
    hypervisor: new SimulatedHypervisor(new GuestMap(), { anySize: true }),
    simulatedHosts: hosts.map(hostSpec),
  });
  opened.defer(() => cloud.close());
  const catalogue = openCatalogue({ builtin: cloud.modules, dirs: [], onFault });
  opened.defer(() => catalogue.close());
  await catalogue.refresh();
  const flows = openFlows({ dirs: [FLOWS] });
  opened.defer(() => flows.close());
  await flows.refresh();
  const flow = flows.find('create_vm');
  invariant(flow, 'replay: the flow create_vm is missing');
  const plan = planOf(flow, (module, action) => catalogue.find(module, action)?.code);

  const fraction = (): number => random(2 ** 30) / 2 ** 30;
  const channel = new StoreChannel(store, fraction, timers);
  opened.defer(() => channel.close());
  const addresses = ['resource', 'network', 'compute', ...hosts.map(({ name }) => `compute@${name}`)];
  const worker = new Worker({
    name: 'replay',
    channel,
    catalogue,
    leaseMs: LEASE_MS,
    timers,
    onFault,
    addresses: () => addresses,
    now: () => store.now(),
  });
  opened.defer(() => worker.drain(0));
  const decisions = makeDecisions(store, fraction);
  const target = systemTarget({
    store,
    cloud,
    decisions,
    timers,
    plan,
    policy,
    fsck: () => checkStore(store),
  });
  opened.defer(() => target.close());
  return target;
}

function hostSpec(host: TraceHost) {
  const cpuTotal = Math.ceil(host.cpuMilli / 1000);
  return {
    name: host.name,
    cpuTotal,
    cpuReservedMilli: cpuTotal * 1000 - host.cpuMilli,
    cpuOvercommit: 1,
    memTotalMib: host.memMib,
    labels: {},
    gpuModel: host.gpuModel,
    gpus: new Array<number>(host.gpuCount).fill(1000),
    zone: '',
    reason: '',
    hypervisor: 'simulated' as const,
    accelerator: 'none',
    simulated: true,
  };
}
