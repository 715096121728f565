import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../../src/client/client.ts';
import { cloudTables } from '../../../src/cloud/schema.ts';
import type { PostgresCluster } from '../../../src/testing/postgres-cluster.ts';
import { Processes } from '../../../test/system/process-fixture.ts';
import { treeCpuSeconds } from '../../peers/harness/cpu.ts';
import { median, plainRow, quantile, type Row } from '../../row.ts';
import { peerRow } from '../report/peer-row.ts';
import { CLAIM_FLOW, checkClaims, VM } from './cloud-rig.ts';
import { withCluster, withSharedRig } from './postgres.ts';
import { startSchedulers } from './schedulers.ts';

const FULL = { hosts: 10_000, each: 500, warmUp: 60, rounds: 3, schedulers: 4 };
const QUICK = { hosts: 20, each: 5, warmUp: 1, rounds: 1, schedulers: 2 };
const CLIENTS = 8;

interface Load {
  readonly perSecond: number;
  readonly timesMs: readonly number[];
  /** Processor time of all but the clients for each claim, in milliseconds. */
  readonly cpuMs: number;
}

/** How the processes are set up: as `coax up` comes, or a server that leaves all steps to others. */
type Role = 'all' | 'server';

/**
 * One VM a request over HTTP, four processes that place on one PostgreSQL, so many clients that wait until the host is chosen and
 * claimed before they ask again. The server that they ask is one of the four, and places what it accepts, as it comes; then, for
 * comparison, a fifth one that does no steps.
 */
export async function measureHttp(quick: boolean, placementPerSecond: number | null): Promise<Row[]> {
  const { hosts, rounds } = quick ? QUICK : FULL;
  const loads: Record<Role, Load[]> = { all: [], server: [] };
  await withCluster(async cluster => {
    for (let round = 0; round < rounds; round++)
      for (const role of ['all', 'server'] as const)
        loads[role].push(await loadOnce(cluster, role, quick ? QUICK : FULL));
  });
  const name = `HTTP, PostgreSQL, ${hosts.toLocaleString('en')} hosts: hosts chosen and claimed by messages, ${CLIENTS} clients`;
  const perSecond = (of: readonly Load[]): number => median(of.map(one => one.perSecond));
  const at = (of: readonly Load[], part: number): number =>
    median(of.map(({ timesMs }) => quantile(timesMs, part)));
  const cpu = (of: readonly Load[]): number => median(of.map(({ cpuMs }) => cpuMs));
  const { all, server } = loads;
  const apart = `${name}, the server does no steps`;
  return [
    peerRow(name, perSecond(all), 'claims/s', placementPerSecond, 'ratio >= 500'),
    plainRow(`${name}, p50`, at(all, 0.5), 'ms'),
    plainRow(`${name}, p99`, at(all, 0.99), 'ms', 'value <= 20'),
    plainRow(`${name}, processor time for each`, cpu(all), 'ms'),
    peerRow(apart, perSecond(server), 'claims/s', placementPerSecond, null),
    plainRow(`${apart}, p50`, at(server, 0.5), 'ms'),
    plainRow(`${apart}, p99`, at(server, 0.99), 'ms'),
    plainRow(`${apart}, processor time for each`, cpu(server), 'ms'),
  ];
}

async function loadOnce(cluster: PostgresCluster, role: Role, size: typeof FULL): Promise<Load> {
  const { hosts, schedulers, each, warmUp } = size;
  return await withSharedRig(cluster, hosts, async (rig, url) => {
    // Agents elsewhere have them: a server that does steps runs no other simulated hosts than its own.
    await rig.store.transact(({ db }) => cloudTables(db).updateTable('hosts').set({ agent: 1 }).execute());
    const beside = await startSchedulers(url, role === 'all' ? schedulers - 1 : schedulers);
    try {
      beside.go();
      const load = await loadServer(url, role, { warmUp, each, besides: beside.pids, cluster });
      await checkClaims(rig, CLIENTS * (warmUp + each));
      return load;
    } finally {
      await beside.close();
    }
  });
}

interface Run {
  readonly warmUp: number;
  readonly each: number;
  readonly besides: readonly number[];
  readonly cluster: PostgresCluster;
}

async function loadServer(storeUrl: string, role: Role, run: Run): Promise<Load> {
  await using processes = new Processes();
  mkdirSync(processes.path('flows'));
  writeFileSync(join(processes.path('flows'), 'claim_host.yaml'), CLAIM_FLOW);
  const args = ['--role', role, '--flows', processes.path('flows')];
  const { client, program } = await processes.server('data', args, { COAX_STORE: storeUrl });
  await clients(client, run.warmUp);
  const roots = [program.pid, postmasterOf(run.cluster), ...run.besides];
  const before = treeCpuSeconds(roots);
  const load = await clients(client, run.each);
  const seconds = treeCpuSeconds(roots) - before;
  return { ...load, cpuMs: (1000 * seconds) / load.timesMs.length };
}

const postmasterOf = ({ folder }: PostgresCluster): number =>
  Number(readFileSync(join(folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);

async function clients(client: Client, each: number): Promise<Omit<Load, 'cpuMs'>> {
  const timesMs: number[] = [];
  const one = {
    flow: 'claim_host',
    parameters: { cpu: VM.cpus, mem: VM.memMib },
  };
  const began = performance.now();
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      for (let round = 0; round < each; round++) {
        const at = performance.now();
        const { status, error } = await client.submit(one, { waitMs: 60_000 });
        if (status !== 'done') throw new Error(`a message is ${status}: ${error?.reason ?? ''}`);
        timesMs.push(performance.now() - at);
      }
    }),
  );
  return { perSecond: timesMs.length / ((performance.now() - began) / 1000), timesMs };
}
