/** Compared with what ip(8) says, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { exec, findProgram } from '../process/exec.ts';
import { genericFamily } from './generic.ts';
import type { RouteChange, RouteObject } from './route.ts';
import { Accounts, delaysCounted, processAccounts } from './taskstats.ts';
import { addressText, attribute, attributesIn, messagesIn, request } from './wire.ts';

const PROBE = fileURLToPath(new URL('./namespace-probe.ts', import.meta.url));
const canMake = await canMakeNamespaces();

async function canMakeNamespaces(): Promise<boolean> {
  if (findProgram('unshare') === null || findProgram('ip') === null) return false;
  return (
    (await exec('unshare', ['--map-root-user', '--net', 'ip', 'link', 'add', 'b0', 'type', 'bridge']))
      .code === 0
  );
}

interface Probed {
  readonly ours: readonly RouteObject[];
  readonly ip: {
    readonly links: readonly {
      ifindex: number;
      ifname: string;
      mtu: number;
      address: string;
      flags: string[];
    }[];
    readonly addresses: readonly {
      ifindex: number;
      addr_info: readonly { local: string; prefixlen: number }[];
    }[];
    readonly routes: readonly { dst: string; gateway?: string; dev: string }[];
    readonly neighbours: readonly { dst: string; lladdr: string; state: string[] }[];
  };
  readonly changes: readonly RouteChange[];
}

const skip = canMake ? false : 'network namespaces cannot be made here';

test('links, addresses, routes and neighbours are those of ip, and changes come as they happen', {
  skip,
}, async () => {
  const flags = ['--disable-warning=ExperimentalWarning', PROBE];
  const end = await exec('unshare', ['--map-root-user', '--net', process.execPath, ...flags], {
    timeoutMs: 60_000,
  });
  assert.equal(end.code, 0, end.stderr);
  const { ours, ip, changes } = JSON.parse(end.stdout) as Probed;
  const of = <K extends RouteObject['kind']>(kind: K): Extract<RouteObject, { kind: K }>[] =>
    ours.filter((object): object is Extract<RouteObject, { kind: K }> => object.kind === kind);
  assert.deepEqual(
    of('link').map(({ index, name, mtu, mac, isUp }) => ({ index, name, mtu, mac, isUp })),
    ip.links.map(link => ({
      index: link.ifindex,
      name: link.ifname,
      mtu: link.mtu,
      mac: link.address,
      isUp: link.flags.includes('UP'),
    })),
  );
  assert.equal(of('link').find(({ name }) => name === 'lan0')!.type, 'bridge');
  assert.equal(
    of('link').find(({ name }) => name === 'one')!.master,
    of('link').find(({ name }) => name === 'lan0')!.index,
  );
  assert.deepEqual(
    of('address')
      .map(({ link, address, prefix }) => `${link} ${address}/${prefix}`)
      .sort(),
    ip.addresses
      .flatMap(({ ifindex, addr_info }) =>
        addr_info.map(({ local, prefixlen }) => `${ifindex} ${local}/${prefixlen}`),
      )
      .sort(),
  );
  const MAIN = 254;
  assert.deepEqual(
    of('route')
      .filter(({ table, destination }) => table === MAIN && !destination.includes(':'))
      .map(({ destination, gateway }) => `${destination} ${gateway}`)
      .sort(),
    ip.routes.map(({ dst, gateway = '' }) => `${dst} ${gateway}`).sort(),
  );
  assert.deepEqual(
    of('neighbour')
      .filter(({ state }) => state === 'permanent')
      .map(({ address, mac }) => `${address} ${mac}`),
    ip.neighbours
      .filter(({ state }) => state.includes('PERMANENT'))
      .map(({ dst, lladdr }) => `${dst} ${lladdr}`),
  );
  const told = changes.map(
    ({ change, object }) =>
      `${change} ${object.kind} ${'name' in object ? object.name : 'address' in object ? object.address : object.destination}`,
  );
  for (const one of [
    'new link late0',
    'new address 10.9.0.1',
    'new route 10.9.0.0/24',
    'gone address 10.9.0.1',
    'gone link late0',
  ])
    assert.ok(told.includes(one), `${one} in ${told.join(', ')}`);
  assert.ok(told.indexOf('new link late0') < told.indexOf('gone link late0'));
});

test('a family is found by its name, and one that there is not is told', async () => {
  assert.ok((await genericFamily('nlctrl')) > 0);
  await assert.rejects(genericFamily('NOSUCH'), /no generic netlink family NOSUCH/);
});

test('TASKSTATS counts what a thread does', { skip: await hasNoTaskStats() }, async () => {
  const worker = new Worker(
    'let n = 0; for (let i = 0; i < 3e7; i++) n += i; require("worker_threads").parentPort.postMessage(n)',
    { eval: true },
  );
  await once(worker, 'message');
  const { cpu_run_virtual_total: ns, version } = await processAccounts(process.pid);
  assert.ok(Number(version) >= 8);
  assert.ok(Number(ns) > 1e6, String(ns));
  await assert.rejects(processAccounts(4_194_400), /No such process/);
});

async function hasNoTaskStats(): Promise<string | false> {
  return await processAccounts(process.pid).then(
    () => false as const,
    (error: Error) => error.message,
  );
}

test('what a thread writes is in its accounts, and what its process waited for is told', {
  skip: await hasNoTaskStats(),
}, async () => {
  using accounts = await Accounts.open();
  const dir = mkdtempSync(join(import.meta.dirname, 'accounts-'));
  const before = await accounts.thread(process.pid);
  writeFileSync(join(dir, 'file'), Buffer.alloc(4 << 20, 1));
  const now = await accounts.thread(process.pid);
  rmSync(dir, { recursive: true });
  assert.ok(now.writtenBytes - before.writtenBytes >= 4 << 20);
  const { version, cpuNs, ioNs } = await accounts.process(process.pid);
  assert.equal(version, now.version);
  assert.ok(cpuNs > 0 && ioNs >= 0);
  const { counted, reason } = await delaysCounted();
  assert.equal(counted, reason === '');
});

test('messages and attributes are read back as they were written', () => {
  const content = Buffer.concat([attribute(3, Buffer.from('lo\0')), attribute(4, Buffer.from([1, 2, 3, 4]))]);
  const both = Buffer.concat([request(16, 5, 7, content), request(17, 0, 8, Buffer.alloc(4))]);
  const [first, second] = [...messagesIn(both)];
  assert.deepEqual([first!.type, first!.flags, first!.sequence, second!.type], [16, 5, 7, 17]);
  const attributes = attributesIn(first!.content, 0);
  assert.equal(attributes.get(3)!.toString(), 'lo\0');
  assert.equal(attributes.get(4)!.readUInt32LE(0), 0x04030201);
  // What a broken message claims to have is not read.
  assert.deepEqual([...messagesIn(Buffer.from([255, 0, 0, 0, ...Array(12).fill(0)]))], []);
  assert.equal(attributesIn(Buffer.from([99, 0, 1, 0, 1]), 0).size, 0);
});

test('addresses are written as RFC 5952 says', () => {
  const v6 = (...groups: number[]): string => {
    const bytes = Buffer.alloc(16);
    for (const [index, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * index);
    return addressText(bytes);
  };
  assert.equal(v6(0, 0, 0, 0, 0, 0, 0, 0), '::');
  assert.equal(v6(0, 0, 0, 0, 0, 0, 0, 1), '::1');
  assert.equal(v6(0xfe80, 0, 0, 0, 1, 0, 0, 1), 'fe80::1:0:0:1');
  assert.equal(v6(0x2001, 0xdb8, 0, 1, 1, 1, 1, 1), '2001:db8:0:1:1:1:1:1');
  assert.equal(addressText(Buffer.from([10, 0, 0, 1])), '10.0.0.1');
});
