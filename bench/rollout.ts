import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { GroupServer } from '../src/channel/groups.ts';
import { StoreChannel } from '../src/channel/store-channel.ts';
import { approvalModule } from '../src/cloud/approval/approval-module.ts';
import { registerHosts } from '../src/cloud/resource/register-hosts.ts';
import { rolloutModule } from '../src/cloud/rollout/rollout-module.ts';
import { rolloutProgress } from '../src/cloud/rollout/rollout-views.ts';
import { cloudSchema } from '../src/cloud/schema.ts';
import { simulatedHosts } from '../src/cloud/simulated-hosts.ts';
import { planOf } from '../src/flow/plan-of.ts';
import { openCatalogue } from '../src/step/catalogue.ts';
import { defineModule } from '../src/step/define-module.ts';
import { openFlows } from '../src/step/flow-folder.ts';
import { Terminal } from '../src/step/step-errors.ts';
import { openSqlite } from '../src/store/sqlite/open-sqlite.ts';
import type { Store } from '../src/store/store.ts';
import { Worker } from '../src/worker/worker.ts';
import { plainRow, type Row } from './row.ts';

const FULL = { hosts: 10_000 };
const QUICK = { hosts: 200 };
const FLOWS = join(import.meta.dirname, '../flows');
/** One of so many hosts is not healthy with the version that fails there. */
const ILL = 500;
const At = z.object({ name: z.string(), version: z.string() });

const [HOST] = simulatedHosts('default');

/** A package's steps as simulated hosts do them: in memory, each host with the version that stands there. */
function simulatedPackages(standing: Map<string, string>) {
  const bad = (host: string, version: string): boolean =>
    version === '2.0.0' || (version === '1.1.0' && Number(host.slice(1)) % ILL === 0);
  return defineModule({
    name: 'package',
    actions: {
      fetch: {
        input: z.object({ package: z.string(), version: z.string() }),
        output: z.object({ fetched: z.array(At) }),
        do: ({ package: name, version }) => ({ fetched: [{ name, version }] }),
        undo: () => {},
      },
      switch: {
        input: z.object({ fetched: z.array(At) }),
        output: z.object({ replaced: z.string() }),
        do({ fetched: [wanted] }, { host }) {
          if (bad(host!, wanted!.version)) throw new Terminal('not healthy');
          const replaced = standing.get(host!) ?? '';
          standing.set(host!, wanted!.version);
          return { replaced };
        },
        undo(_input, { replaced }, { host }) {
          if (replaced !== undefined) standing.set(host!, replaced);
        },
      },
    },
  });
}

/** One rollout to all hosts within its budget, and one that is walked back when it is done. */
export async function measureRollout(quick: boolean): Promise<Row[]> {
  const { hosts } = quick ? QUICK : FULL;
  await using world = await openWorld(hosts);
  const there = await world.run('1.1.0');
  const failed = there.progress.hosts.failed;
  if (there.progress.state !== 'done' || failed !== Math.ceil(hosts / ILL))
    throw new Error(`the rollout ended otherwise: ${JSON.stringify(there.progress.hosts)}`);
  const stopped = await world.run('2.0.0');
  if (stopped.progress.state !== 'undone' || world.with('2.0.0') > 0)
    throw new Error('a bad version stands somewhere');
  return [
    plainRow(`rollout: to ${hosts} simulated hosts`, hosts / there.seconds, 'hosts/s', 'value >= 200'),
    plainRow('rollout: processor time of a host', (1000 * there.cpuSeconds) / hosts, 'ms'),
    plainRow('rollout: a bad version is stopped at its canaries after', 1000 * stopped.seconds, 'ms'),
  ];
}

async function openWorld(count: number) {
  const dir = mkdtempSync(join(tmpdir(), 'coax-bench-rollout-'));
  const store = openSqlite({ file: join(dir, 'coax.db'), schema: cloudSchema });
  const names = Array.from({ length: count }, (_, index) => `h${index}`);
  await store.transact(tx =>
    registerHosts(
      tx,
      names.map(name => ({ ...HOST!, name })),
    ),
  );
  const standing = new Map<string, string>();
  const modules = [rolloutModule(), approvalModule(), simulatedPackages(standing)];
  const catalogue = openCatalogue({ builtin: modules, dirs: [] });
  const flows = openFlows({ dirs: [FLOWS] });
  await flows.refresh();
  const channel = new StoreChannel(store);
  const onFault = (fault: unknown): void => console.error(fault);
  const groups = new GroupServer(channel, 'groups', Math.random, onFault);
  const addresses = [...catalogue.modules(), ...names.map(name => `package@${name}`)];
  const now = () => store.now();
  const worker = new Worker({ name: 'bench', channel, catalogue, addresses: () => addresses, now, onFault });
  const plan = planOf(
    flows.find('rollout_package')!,
    (module, action) => catalogue.find(module, action)?.code,
  );
  return {
    with: (version: string) => [...standing.values()].filter(one => one === version).length,
    async run(version: string) {
      const parameters = {
        ...{ package: 'web', version, on: 'all', canary: '10', budget: '1%' },
        ...{ waves: ['1%', '10%', '50%', '100%'], pause_after: [], at_once: 512 },
      };
      const began = performance.now();
      const used = process.cpuUsage();
      const submission = { flow: 'rollout_package', plan, parameters, actor: 'bench' };
      const [accepted] = await store.submit([submission]);
      await resting(store, accepted!.msgid);
      const { user, system } = process.cpuUsage(used);
      const progress = (await rolloutProgress(store, accepted!.msgid))!;
      return { seconds: (performance.now() - began) / 1000, cpuSeconds: (user + system) / 1e6, progress };
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await worker.drain(1000);
      await groups.close();
      channel.close();
      await store.close();
      catalogue.close();
      flows.close();
      rmSync(dir, { recursive: true });
    },
  };
}

function resting(store: Store, msgid: number): Promise<void> {
  return new Promise(resolve => {
    const end = store.onCommit(events => {
      const rests = events.some(
        ({ message }) =>
          message.msgid === msgid && (message.phase === 'done' || message.phase === 'rolled_back'),
      );
      if (!rests) return;
      end();
      resolve();
    });
  });
}
