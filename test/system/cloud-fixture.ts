import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Channel, ClaimWish } from '../../src/channel/channel.ts';
import type { Decisions } from '../../src/channel/decisions.ts';
import { GroupServer } from '../../src/channel/groups.ts';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { installationSchema } from '../../src/cli/installation-schema.ts';
import { type Cloud, type CloudOptions, openCloud } from '../../src/cloud/cloud.ts';
import { LostHosts } from '../../src/cloud/hosts/lost-hosts.ts';
import { CoaxError } from '../../src/errors/coax-error.ts';
import { checkParameters } from '../../src/flow/check-parameters.ts';
import type { FlowDefinition } from '../../src/flow/flow.ts';
import { parseFlow } from '../../src/flow/parse-flow.ts';
import { planOf } from '../../src/flow/plan-of.ts';
import type { Message, Parameters } from '../../src/message/message.ts';
import { openCatalogue } from '../../src/step/catalogue.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { Worker } from '../../src/worker/worker.ts';

/** A server's inside without HTTP: the real store, channel, worker and cloud, in a folder of its own. */
export interface CloudFixture extends AsyncDisposable {
  readonly dataDir: string;
  readonly store: Store;
  readonly cloud: Cloud;
  readonly decisions: Decisions;
  /** `project`: default if absent. */
  submit(flow: string, parameters: Parameters, project?: string): Promise<number>;
  /** The message once it rests. */
  rest(msgid: number): Promise<Message>;
  run(flow: string, parameters: Parameters, project?: string): Promise<Message>;
  /** Until the worker asks for work at such addresses: it has got what it asked for before. */
  untilServed(isSo: (addresses: readonly string[]) => boolean): Promise<void>;
  /** Ends the server, keeps its folder. */
  stop(): Promise<void>;
}

export type FixtureOptions = Partial<Omit<CloudOptions, 'store'>> & {
  readonly lines?: string[];
  /** Another store than SQLite in the folder. */
  readonly openStore?: () => Promise<Store>;
};

/** The channel, with a look at what each claim asks for. */
function noting(channel: StoreChannel, note: (addresses: readonly string[]) => void): Channel {
  return new Proxy(channel, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== 'function') return member;
      return (...given: unknown[]) => {
        if (name === 'claim') note((given[0] as ClaimWish).addresses);
        return Reflect.apply(member, target, given);
      };
    },
  });
}

const FLOWS = join(import.meta.dirname, '../../flows');
const RESTING = new Set(['done', 'rolled_back', 'parked']);

export function builtinFlow(name: string): FlowDefinition {
  const file = join(FLOWS, `${name}.yaml`);
  return parseFlow(readFileSync(file, 'utf8'), file);
}

export async function openFixture(options: FixtureOptions = {}): Promise<CloudFixture> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'coax-cloud-'));
  const store =
    (await options.openStore?.()) ??
    openSqlite({ file: join(dataDir, 'coax.db'), schema: installationSchema });
  const cloud = await openCloud({
    simulate: true,
    cacheDir: join(dataDir, 'cache'),
    ...(options.lines ? { onProgress: (line: string) => void options.lines!.push(line) } : {}),
    ...options,
    dataDir,
    store,
  });
  const catalogue = openCatalogue({ builtin: cloud.modules, dirs: [] });
  const channel = new StoreChannel(store);
  const faults: unknown[] = [];
  const groups = new GroupServer(channel, 'groups', Math.random, fault => void faults.push(fault));
  const lost = new LostHosts({
    store,
    channel,
    name: 'lost',
    installation: cloud.installation,
    modules: () => catalogue.modules(),
    onFault: fault => void faults.push(fault),
  });
  const addresses = (): string[] => [
    ...catalogue.modules(),
    ...cloud.hostNames().map(host => `compute@${host}`),
  ];
  let asked: readonly string[] = [];
  const worker = new Worker({
    name: 'w1',
    channel: noting(channel, addresses => {
      asked = addresses;
    }),
    catalogue,
    addresses,
    now: () => store.now(),
    onFault: fault => void faults.push(fault),
  });
  const waiting = new Map<number, (() => void)[]>();
  const quiet = store.onCommit(events => {
    for (const { message } of events) {
      if (!RESTING.has(message.phase)) continue;
      for (const wake of waiting.get(message.msgid) ?? []) wake();
      waiting.delete(message.msgid);
    }
  });
  const rest = async (msgid: number): Promise<Message> => {
    for (;;) {
      const woken = new Promise<void>(wake => waiting.set(msgid, [...(waiting.get(msgid) ?? []), wake]));
      const message = await store.message(msgid);
      if (message && RESTING.has(message.phase)) return message;
      await woken;
    }
  };
  const submit = async (flow: string, parameters: Parameters, project = 'default'): Promise<number> => {
    const definition = builtinFlow(flow);
    const plan = planOf(definition, (module, action) => catalogue.find(module, action)?.code);
    const checked = checkParameters(definition, parameters);
    const [accepted] = await store.submit([{ flow, plan, parameters: checked, actor: 'test', project }]);
    return accepted!.msgid;
  };
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await worker.drain(0);
    await groups.close();
    await lost.close();
    channel.close();
    quiet();
    catalogue.close();
    await cloud.close();
    await store.close();
    assert.deepEqual(faults, []);
  };
  return {
    dataDir,
    store,
    cloud,
    decisions: makeDecisions(store),
    async untilServed(isSo) {
      while (!isSo(asked)) await new Promise(resolve => setTimeout(resolve, 20));
    },
    submit,
    rest,
    run: async (flow, parameters, project) => rest(await submit(flow, parameters, project)),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true });
    },
  };
}

/** A network of guests that leaves the machine as it is. */
export function noNetwork(): NonNullable<FixtureOptions['hostNetwork']> {
  return {
    mode: 'user',
    reason: 'a test',
    cidr: '127.77.250.0/24',
    gateway: '127.77.250.1',
    prefix: 24,
    httpPort: 8080,
    namespace: null,
    async ensure() {},
    attach: async () => null,
    async detach() {},
    taps: async () => [],
    inside: (program, args) => [program, args],
    async remove() {},
  };
}

/** Stands where QEMU would; it starts no guest. */
export function noHypervisor(): NonNullable<FixtureOptions['hypervisor']> {
  const none = async (): Promise<never> => {
    throw new CoaxError('COAX_HYPERVISOR', 'none here');
  };
  return {
    kind: 'qemu',
    accelerator: 'tcg',
    create: none,
    destroy: none,
    start: none,
    stop: none,
    reboot: none,
    find: async () => null,
    list: async () => [],
    consoleTail: async () => '',
  };
}
