import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../../src/client/client.ts';
import { Processes } from '../../../test/system/process-fixture.ts';
import { median, plainRow, quantile, type Row } from '../../row.ts';
import { peerRow } from '../report/peer-row.ts';
import { CLAIM_FLOW, checkClaims, VM } from './cloud-rig.ts';
import { withCluster, withSharedRig } from './postgres.ts';
import { startSchedulers } from './schedulers.ts';

const FULL = { hosts: 10_000, each: 150, warmUp: 10, rounds: 3, schedulers: 4 };
const QUICK = { hosts: 20, each: 5, warmUp: 1, rounds: 1, schedulers: 1 };
const CLIENTS = 8;

interface Load {
  readonly perSecond: number;
  readonly timesMs: readonly number[];
}

/**
 * One VM a request over HTTP: a server of Coax without steps, scheduler processes beside it, one PostgreSQL; so many clients that wait until
 * the host is chosen and claimed before they ask again.
 */
export async function measureHttp(quick: boolean, placementPerSecond: number | null): Promise<Row[]> {
  const { hosts, rounds, schedulers } = quick ? QUICK : FULL;
  const loads: Load[] = [];
  await withCluster(async cluster => {
    for (let round = 0; round < rounds; round++) {
      await withSharedRig(cluster, hosts, async (rig, url) => {
        const { each, warmUp } = quick ? QUICK : FULL;
        const running = await startSchedulers(url, schedulers);
        try {
          running.go();
          loads.push(await load(url, warmUp, each));
          await checkClaims(rig, CLIENTS * (warmUp + each));
        } finally {
          await running.close();
        }
      });
    }
  });
  const name = `HTTP, PostgreSQL, ${hosts.toLocaleString('en')} hosts: hosts chosen and claimed by messages, ${CLIENTS} clients`;
  const perSecond = median(loads.map(one => one.perSecond));
  const of = (part: number): number => median(loads.map(({ timesMs }) => quantile(timesMs, part)));
  return [
    peerRow(name, perSecond, 'claims/s', placementPerSecond, 'ratio >= 500'),
    plainRow(`${name}, p50`, of(0.5), 'ms'),
    plainRow(`${name}, p99`, of(0.99), 'ms', 'value <= 20'),
  ];
}

async function load(storeUrl: string, warmUp: number, each: number): Promise<Load> {
  await using processes = new Processes();
  mkdirSync(processes.path('flows'));
  writeFileSync(join(processes.path('flows'), 'claim_host.yaml'), CLAIM_FLOW);
  const { client } = await processes.server(
    'data',
    ['--role', 'server', '--flows', processes.path('flows')],
    {
      COAX_STORE: storeUrl,
    },
  );
  await clients(client, warmUp);
  return await clients(client, each);
}

async function clients(client: Client, each: number): Promise<Load> {
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
