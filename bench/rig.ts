import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { StoreChannel } from '../src/channel/store-channel.ts';
import { parseFlow } from '../src/flow/parse-flow.ts';
import { planOf } from '../src/flow/plan-of.ts';
import type { Plan } from '../src/message/message.ts';
import { type OpenCatalogue, openCatalogue } from '../src/step/catalogue.ts';
import { defineModule } from '../src/step/define-module.ts';
import { Terminal } from '../src/step/step-errors.ts';
import { openSqlite } from '../src/store/sqlite/open-sqlite.ts';
import type { SqliteStore } from '../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { Worker } from '../src/worker/worker.ts';

/** The four steps of the design's example, each trivial: one input, one output. */
const resource = defineModule({
  name: 'resource',
  actions: {
    select_host: {
      input: z.object({ cpu: z.number() }),
      output: z.object({ host: z.string() }),
      do: () => ({ host: 'node-1' }),
      undo: () => {},
    },
    update_info: {
      input: z.object({ uuid: z.string() }),
      output: z.object({ state: z.string() }),
      do: () => ({ state: 'ready' }),
      undo: () => {},
    },
  },
});

const network = defineModule({
  name: 'network',
  actions: {
    alloc_ip: {
      input: z.object({ host: z.string() }),
      output: z.object({ ip: z.string() }),
      do: () => ({ ip: '10.0.0.11' }),
      undo: () => {},
    },
  },
});

const compute = defineModule({
  name: 'compute',
  actions: {
    create_vm: {
      input: z.object({ ip: z.string() }),
      output: z.object({ uuid: z.string() }),
      do: () => ({ uuid: '6f1c0b9e' }),
      undo: () => {},
    },
    refuse: {
      input: z.object({ ip: z.string() }),
      output: z.object({}),
      do: () => {
        throw new Terminal('the benchmark refuses');
      },
      undo: () => {},
    },
  },
});

const FORWARD = `
name: create_vm
parameters: { cpu: { type: integer }, mem: { type: integer } }
steps: [resource select_host, network alloc_ip, compute create_vm, resource update_info]
`;

const BACKWARD = `
name: refused_vm
parameters: { cpu: { type: integer }, mem: { type: integer } }
steps: [resource select_host, network alloc_ip, compute refuse, resource update_info]
`;

export interface Rig<Engine extends Store = SqliteStore> {
  readonly dir: string;
  readonly store: Engine;
  readonly catalogue: OpenCatalogue;
  /** Four steps that are done. */
  readonly forward: Plan;
  /** Two steps done, the third refuses, all three are undone. */
  readonly backward: Plan;
  /** `name`: its own among all workers of the store; `bench` if absent. */
  startWorker(name?: string): void;
  close(): Promise<void>;
}

/** On a SQLite database of its own, or on the one in a folder, which then stays. */
export function openRig(folder?: string): Rig {
  const dir = folder ?? mkdtempSync(join(tmpdir(), 'coax-bench-'));
  const store = openSqlite({ file: join(dir, 'coax.db') });
  return rigOn(store, dir, () => {
    if (folder === undefined) rmSync(dir, { recursive: true });
  });
}

/** On an open store, which `close` closes before it calls `closed`. */
export function rigOn<Engine extends Store>(store: Engine, dir: string, closed: () => void): Rig<Engine> {
  const catalogue = openCatalogue({ builtin: [resource, network, compute], dirs: [] });
  const codeOf = (module: string, action: string): string | undefined => catalogue.find(module, action)?.code;
  const channel = new StoreChannel(store);
  const addresses = ['resource', 'network', 'compute'];
  let worker: Worker | undefined;
  return {
    dir,
    store,
    catalogue,
    forward: planOf(parseFlow(FORWARD, 'bench'), codeOf),
    backward: planOf(parseFlow(BACKWARD, 'bench'), codeOf),
    startWorker(name = 'bench') {
      worker = new Worker({
        name,
        channel,
        catalogue,
        addresses: () => addresses,
        now: () => store.now(),
        onFault: error => console.error(error),
      });
    },
    async close() {
      await worker?.drain(1000);
      channel.close();
      await store.close();
      catalogue.close();
      closed();
    },
  };
}

export const PARAMETERS = { cpu: 2, mem: 4096 };

/** Accepts `count` messages in batches; nothing works on them yet unless a worker runs. */
export async function submitMany(rig: Rig<Store>, plan: Plan, count: number, batch = 1000): Promise<void> {
  for (let made = 0; made < count; made += batch) {
    const size = Math.min(batch, count - made);
    const submission = { flow: 'create_vm', plan, parameters: PARAMETERS, actor: 'bench' };
    await rig.store.submit(Array.from({ length: size }, () => submission));
  }
}

/** Resolves when so many messages have come to rest since it was called. */
export function settled(store: Store, count: number): Promise<void> {
  let left = count;
  return new Promise(resolve => {
    const end = store.onCommit(events => {
      for (const { message } of events)
        if (message.phase === 'done' || message.phase === 'rolled_back') left -= 1;
      if (left > 0) return;
      end();
      resolve();
    });
  });
}

/** Resolves when the index of commit ids covers every commit. */
export async function caughtUp(store: SqliteStore): Promise<void> {
  for (;;) {
    const done = await store.reader
      .selectFrom('meta')
      .select('value')
      .where('name', '=', 'id_index_pos')
      .execute();
    const last = await store.reader
      .selectFrom('commits')
      .select(({ fn }) => fn.max('pos').as('pos'))
      .execute();
    if (Number(done[0]?.value) >= Number(last[0]?.pos ?? 0)) return;
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}
