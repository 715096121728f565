import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { MessageView } from '../../src/api/message.ts';
import type { VmView } from '../../src/api/vm.ts';
import type { CoaxClient } from '../../src/client/client.ts';
import { leftovers } from '../../src/cloud/compute/qemu/leftovers.ts';
import { qemuMissing } from '../../src/cloud/compute/qemu/missing.ts';
import { isNamespace, removeNamespace } from '../../src/cloud/network/host-namespace.ts';
import { namespaceName } from '../../src/cloud/network/host-wiring.ts';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import type { Parameters } from '../../src/message/message.ts';
import { Random } from '../simulation/random.ts';
import { Installation } from './installation.ts';

const missing = qemuMissing();
const skip = missing.length > 0 ? `no real guests here: ${missing.join('; ')}` : false;
const seed = Number(process.env.SEED ?? 1);
/** Where each life of the server ends; undefined: at a moment that chance picks, while guests boot. */
const POINTS = [undefined, 'before-commit:5', undefined, 'after-commit:9'] as const;
const REST_MS = 300_000;
const POLL_MS = 100;
const PAGE_MS = 120_000;
const reason = 'the campaign thought so';

test(`real guests: ${POINTS.length} kills of the server leave exactly the guests of live VMs (seed ${seed})`, {
  skip,
}, async () => {
  const installation = new Installation(false);
  const random = new Random(seed);
  const accepted: number[] = [];
  try {
    for (const [life, point] of POINTS.entries()) {
      const client = await installation.start(point);
      await Promise.all([
        client && work(client, life, accepted),
        point === undefined
          ? sleep(random.int(500, 5000)).then(() => installation.kill())
          : installation.ended(8000).then(() => installation.kill()),
      ]);
    }
    const client = await installation.start();
    assert.ok(client !== null, installation.log);
    const messages = await rest(client);
    const known = new Set(messages.map(({ msgid }) => msgid));
    assert.ok(
      accepted.every(msgid => known.has(msgid)),
      'what was accepted is there',
    );
    await checkGuests(installation, client, messages);
    await removeSome(installation, client);
    const { status, text } = await installation.coax('down', '--purge');
    assert.equal(status, 0, text);
    assert.deepEqual(await leftovers(installation.dataDir), { processes: [], taps: [], folders: [] });
    assert.equal(isNamespace(namespaceName(installation.dataDir)), false, 'the network namespace is gone');
    assert.deepEqual(installation.processes(), [], 'no process is left');
  } finally {
    await installation.kill();
    await clear(installation.dataDir);
    installation.remove();
  }
});

/** New VMs, and changes of those that the life before made, one kind of change for each VM. */
async function work(client: CoaxClient, life: number, accepted: number[]): Promise<void> {
  const before = `life${life - 1}`;
  const oldest = `life${life - 2}`;
  const run = (flow: string, parameters: Parameters) => async () => {
    const { msgid } = await client.submit({ flow, parameters, key: `${life}-${flow}-${parameters.name}` });
    accepted.push(msgid);
  };
  const wishes = [
    run('create_vm', { cpu: 1, mem: 128, name: `life${life}-kept` }),
    run('create_vm', { cpu: 1, mem: 128, name: `life${life}-removed` }),
    ...(life > 0 ? [run('stop_vm', { name: `${before}-kept` })] : []),
    ...(life > 0 ? [() => client.removeVm(`${before}-removed`, { reason })] : []),
    ...(life > 1 ? [run('start_vm', { name: `${oldest}-kept` })] : []),
  ];
  // The server may be gone before it answers, and a VM may not be there yet.
  const refused = (error: unknown): void => {
    if (!isCoaxError(error) || !['unavailable', 'conflict', 'not_found'].includes(error.kind)) throw error;
  };
  await Promise.all(wishes.map(wish => wish().then(() => {}, refused)));
}

/** All messages, once each one is done or rolled back. */
async function rest(client: CoaxClient): Promise<MessageView[]> {
  for (const until = Date.now() + REST_MS; ; await sleep(POLL_MS)) {
    const { queued, running, waiting } = await client.counts();
    if (queued + running + waiting === 0) break;
    assert.ok(Date.now() < until, `under way: ${JSON.stringify(await client.messages({ limit: 50 }))}`);
  }
  const { items } = await client.messages({ children: true, limit: 100 });
  for (const { msgid, flow, status, cause, error, undoError } of items) {
    const what = `message ${msgid}, ${flow}: ${JSON.stringify([cause, error, undoError])}`;
    assert.ok(status === 'done' || status === 'rolled_back', what);
    if (flow === 'create_vm')
      assert.equal(status, cause === 'reverted' || cause === 'cancelled' ? 'rolled_back' : 'done', what);
  }
  return items;
}

/** The VMs on record are those that messages made, and this host has their guests and no others. */
async function checkGuests(
  installation: Installation,
  client: CoaxClient,
  messages: readonly MessageView[],
): Promise<VmView[]> {
  const made = messages.filter(({ flow, status }) => flow === 'create_vm' && status === 'done');
  const { items } = await client.vms();
  const sorted = (list: readonly (string | number | null)[]) => list.map(String).sort();
  assert.deepEqual(sorted(items.map(({ msgid }) => msgid)), sorted(made.map(({ msgid }) => msgid)));
  assert.ok(
    items.every(({ state }) => state === 'running' || state === 'stopped'),
    JSON.stringify(items),
  );
  const running = items.filter(({ state }) => state === 'running');
  const left = await leftovers(installation.dataDir);
  const uuids = sorted(running.map(({ uuid }) => uuid));
  assert.deepEqual(sorted(left.processes.map(({ uuid }) => uuid)), uuids, 'processes');
  assert.deepEqual(sorted(left.folders), sorted(items.map(({ uuid }) => uuid)), 'folders');
  if (isNamespace(namespaceName(installation.dataDir)))
    assert.deepEqual(sorted(left.taps.map(({ uuid }) => uuid)), uuids, 'taps');
  for (const { name, url } of running) {
    const page = await fetch(String(url), { signal: AbortSignal.timeout(PAGE_MS) });
    assert.match(await page.text(), new RegExp(`<h1>${name}</h1>`));
  }
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const hosts = (await client.hosts()).items;
  assert.equal(sum(hosts.map(({ cpu }) => cpu.used)), sum(items.map(({ cpu }) => cpu)));
  assert.equal(sum(hosts.map(({ memMib }) => memMib.used)), sum(items.map(({ memMib }) => memMib)));
  const networks = (await client.networks()).items;
  assert.equal(sum(networks.map(({ addresses }) => addresses.used)), items.length);
  const { status, text } = await installation.coax('fsck');
  assert.equal(status, 0, text);
  return items;
}

/** One is removed by itself, the rest by `coax down --purge`. */
async function removeSome(installation: Installation, client: CoaxClient): Promise<void> {
  const [first] = (await client.vms()).items;
  assert.ok(first, 'the campaign made a VM');
  await client.removeVm(first.name, { reason });
  await checkGuests(installation, client, await rest(client));
}

/** After a test that failed: ends what it has left. */
async function clear(dataDir: string): Promise<void> {
  for (const { pid } of (await leftovers(dataDir)).processes) process.kill(pid, 'SIGKILL');
  const namespace = namespaceName(dataDir);
  if (isNamespace(namespace)) await removeNamespace(namespace);
}
