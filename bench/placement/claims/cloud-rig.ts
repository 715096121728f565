import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StoreChannel } from '../../../src/channel/store-channel.ts';
import { installationSchema } from '../../../src/cli/installation-schema.ts';
import { type Cloud, openCloud } from '../../../src/cloud/cloud.ts';
import { GuestMap } from '../../../src/cloud/compute/simulated/guest-book.ts';
import { SimulatedHypervisor } from '../../../src/cloud/compute/simulated/simulated.ts';
import { parseFlow } from '../../../src/flow/parse-flow.ts';
import { planOf } from '../../../src/flow/plan-of.ts';
import type { Plan } from '../../../src/message/message.ts';
import { openCatalogue } from '../../../src/step/catalogue.ts';
import { openPostgres } from '../../../src/store/postgres/open-postgres.ts';
import { openSqlite } from '../../../src/store/sqlite/open-sqlite.ts';
import type { Store } from '../../../src/store/store.ts';
import { REAL_TIMERS } from '../../../src/store/timers.ts';
import { Worker } from '../../../src/worker/worker.ts';
import { settled } from '../../rig.ts';

const FLOWS = join(import.meta.dirname, '../../../flows');
/** One step: the choice of a host and the durable claim on it. */
export const CLAIM_FLOW = `
name: claim_host
parameters: { cpu: { type: integer }, mem: { type: integer } }
steps: [resource select_host]
`;

/** What a VM asks for in these measures, and what the hosts have. */
export const VM = { cpus: 2, memMib: 4096, diskGib: 20 };
export const HOST = { cpus: 64, memMib: 262_144, diskGib: 2000 };
const PARAMETERS = { cpu: VM.cpus, mem: VM.memMib };

/** Store, channel, worker and cloud in this process, as `coax up --simulate` has them, without HTTP. */
export interface CloudRig {
  readonly store: Store;
  readonly cloud: Cloud;
  /** The four steps that make a VM. */
  readonly createVm: Plan;
  /** `resource select_host` alone. */
  readonly claimHost: Plan;
  /** `name`: its own among all workers of the store; `bench` if absent. */
  startWorker(how?: { name?: string; leaseMs?: number }): void;
  close(): Promise<void>;
}

export interface CloudRigOptions {
  /** A store that several share; a SQLite file in `dir` without it. */
  readonly url?: string;
  readonly dir: string;
  /** Simulated hosts, whose guests are in memory; 0: those that are in the store, as another process has written them. */
  readonly hosts: number;
  /** Modules that the worker serves; all if absent. */
  readonly serves?: readonly string[];
  /** Whether work at an address is first left to another process, as a server knows by who else serves it. */
  readonly yields?: (address: string) => boolean;
}

export async function openCloudRig({ url, dir, hosts, serves, yields }: CloudRigOptions): Promise<CloudRig> {
  const store =
    url === undefined
      ? openSqlite({ file: join(dir, 'coax.db'), schema: installationSchema })
      : await openPostgres({ url, schema: installationSchema });
  const cloud = await openCloud({
    store,
    dataDir: dir,
    cacheDir: dir,
    simulate: true,
    serves: hosts > 0,
    hypervisor: new SimulatedHypervisor(new GuestMap()),
    simulatedHosts: simulatedHosts(hosts),
  });
  const catalogue = openCatalogue({ builtin: cloud.modules, dirs: [] });
  const channel = new StoreChannel(
    store,
    Math.random,
    REAL_TIMERS,
    null,
    yields === undefined ? {} : { yields },
  );
  const codeOf = (module: string, action: string): string | undefined => catalogue.find(module, action)?.code;
  const addresses = serves ?? [...catalogue.modules(), ...cloud.hostNames().map(host => `compute@${host}`)];
  let worker: Worker | undefined;
  return {
    store,
    cloud,
    createVm: planOf(parseFlow(readFileSync(join(FLOWS, 'create_vm.yaml'), 'utf8'), 'bench'), codeOf),
    claimHost: planOf(parseFlow(CLAIM_FLOW, 'bench'), codeOf),
    startWorker({ name = 'bench', leaseMs = 30_000 } = {}) {
      worker = new Worker({
        name,
        leaseMs,
        channel,
        catalogue,
        addresses: () => addresses,
        now: () => store.now(),
        onFault: fault => console.error(fault),
      });
    },
    async close() {
      await worker?.drain(1000);
      channel.close();
      catalogue.close();
      await cloud.close();
      await store.close();
    },
  };
}

export const hostName = (index: number): string => `host-${index}`;

function simulatedHosts(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    name: hostName(index),
    cpuTotal: HOST.cpus,
    cpuOvercommit: 1,
    memTotalMib: HOST.memMib,
    labels: {},
    zone: ['a', 'b', 'c', 'd'][index % 4] as string,
    reason: '',
    hypervisor: 'simulated' as const,
    accelerator: 'none',
    simulated: true,
  }));
}

/** Accepts so many messages of a plan, in batches of 1,000; flow names are only labels here. */
export async function submitVms(rig: CloudRig, plan: Plan, count: number): Promise<void> {
  for (let made = 0; made < count; made += 1000) {
    const submission = { flow: 'create_vm', plan, parameters: PARAMETERS, actor: 'bench' };
    await rig.store.submit(Array.from({ length: Math.min(1000, count - made) }, () => submission));
  }
}

/** Seconds from the start of the worker until all the messages, which are there by then, have come to rest. */
export async function workOff(rig: CloudRig, plan: Plan, count: number): Promise<number> {
  await submitVms(rig, plan, count);
  const end = settled(rig.store, count);
  const began = performance.now();
  rig.startWorker();
  await end;
  return (performance.now() - began) / 1000;
}

/** Resolves once so many messages are done, whoever does them. Each look counts them all, which takes the database some time. */
export async function doneAtLeast(store: Store, messages: number, lookMs = 20): Promise<void> {
  while ((await store.counts()).done < messages) await new Promise(resolve => setTimeout(resolve, lookMs));
}

/** Milliseconds from each submission until its end, one after the other; the worker runs. */
export async function oneByOne(rig: CloudRig, plan: Plan, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < count; round++) {
    const began = performance.now();
    const end = settled(rig.store, 1);
    await rig.store.submit([{ flow: 'create_vm', plan, parameters: PARAMETERS, actor: 'bench' }]);
    await end;
    times.push(performance.now() - began);
  }
  return times;
}

/** Every promise of the books: no host over-committed, no claim lost or double, and as many claims as messages that ended well. */
export async function checkClaims(rig: CloudRig, expected: number): Promise<void> {
  const faults = await rig.cloud.fsck();
  if (faults[0] !== undefined) throw new Error(`fsck: ${faults.length} faults: ${JSON.stringify(faults[0])}`);
  const counts = await rig.store.counts();
  if (counts.done !== expected) throw new Error(`${counts.done} of ${expected} messages are done`);
  const used = (await rig.cloud.hosts()).reduce((sum, host) => sum + host.cpu.used, 0);
  if (used !== expected * VM.cpus)
    throw new Error(`${used} CPUs are claimed, ${expected * VM.cpus} were given`);
}
