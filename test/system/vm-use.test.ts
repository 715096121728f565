/** What guests use: measured of real processes, kept for an hour by both engines, told by the API and `coax top --vms`. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join as path } from 'node:path';
import { test } from 'node:test';
import { agentWorkerName } from '../../src/api/agent.ts';
import { Agents } from '../../src/cloud/agents/agents.ts';
import { GuestMeter } from '../../src/cloud/use/guest-meter.ts';
import { type GuestUse, ratesBetween } from '../../src/cloud/use/guest-use.ts';
import { useTables } from '../../src/cloud/use/schema.ts';
import { isSlotDue, keepNow, keepSlot, SLOT_MS } from '../../src/cloud/use/use-history.ts';
import { openServed, TOKEN } from './access-fixture.ts';
import { join, reportOf } from './agent-fixture.ts';
import { onBothEngines } from './both-engines.ts';
import { CliWorld } from './cli-fixture.ts';
import { openFixture } from './cloud-fixture.ts';

const MIB = 1 << 20;
/** On a disk: what lies in memory alone is not counted. */
const DIR = path(import.meta.dirname, '../../tmp/vm-use');

/** As of a process that was started at 1000, and has used so much up to an instant. */
const useAt = (atMs: number, cpuMs: number, more: Partial<GuestUse['counters']> = {}): GuestUse => ({
  cpuPercent: 12.5,
  rssBytes: 300 * MIB,
  pssBytes: 200 * MIB,
  readBytesPerSecond: 0,
  writeBytesPerSecond: 4096,
  ioDelayPercent: null,
  counters: {
    atMs,
    startMs: 1000,
    cpuMs,
    readBytes: 0,
    writtenBytes: 10 * cpuMs,
    ioDelayMs: null,
    threads: 2,
    ...more,
  },
});

test('rates are what was added by time; another process with the same guest has none yet', () => {
  const was = useAt(10_000, 100, { ioDelayMs: 50 }).counters;
  const now = useAt(20_000, 600, { readBytes: 1000, ioDelayMs: 1050 }).counters;
  assert.deepEqual(ratesBetween(was, now), {
    cpuPercent: 5,
    readBytesPerSecond: 100,
    writeBytesPerSecond: 500,
    ioDelayPercent: 5,
  });
  assert.equal(ratesBetween(was, { ...now, startMs: 2000 }), null);
  assert.equal(ratesBetween(was, was), null);
  assert.ok(isSlotDue(0, SLOT_MS) && !isSlotDue(SLOT_MS, 2 * SLOT_MS - 1));
});

/** Writes 8 MiB to a disk and works for a while at each line that it is given. */
const GUEST = `
const { writeFileSync } = require('node:fs');
process.stdin.on('data', () => {
  writeFileSync(process.argv[1], Buffer.alloc(${8 * MIB}, 1), { flush: true });
  for (const spent = process.cpuUsage(); process.cpuUsage(spent).user < 150000; );
  console.log('done');
});
console.log('ready');`;

test('a real process is measured as a guest', async () => {
  mkdirSync(DIR, { recursive: true });
  const child = spawn(process.execPath, ['-e', GUEST, path(DIR, 'disk')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  using meter = new GuestMeter();
  const guests = [
    { uuid: 'u1', pid: child.pid! },
    { uuid: 'stopped', pid: null },
    { uuid: 'gone', pid: 4_194_400 },
  ];
  try {
    await once(child.stdout, 'data');
    assert.deepEqual([...(await meter.measure(guests))], []);
    child.stdin.write('go\n');
    await once(child.stdout, 'data');
    const uses = await meter.measure(guests);
    assert.deepEqual([...uses.keys()], ['u1']);
    const { counters, ...use } = uses.get('u1')!;
    assert.ok(use.cpuPercent > 0 && counters.cpuMs >= 150);
    assert.ok(counters.writtenBytes! >= 8 * MIB && use.writeBytesPerSecond! > 0);
    assert.ok(use.pssBytes! > MIB && use.pssBytes! <= use.rssBytes * 1.1);
    assert.deepEqual([...(await meter.measure([]))], []);
    assert.deepEqual([...(await meter.measure(guests))], [], 'it began anew');
  } finally {
    child.kill();
    await once(child, 'exit');
    rmSync(DIR, { recursive: true });
  }
});

test('the API tells it of each VM, and coax top --vms shows it', async () => {
  await using served = await openServed();
  const { client, store } = served;
  for (const name of ['idle', 'busy', 'silent'])
    await client.submit({ flow: 'create_vm', parameters: { cpu: 1, mem: 128, name } }, { waitMs: 30_000 });
  const { items: vms } = await client.vms();
  const of = (name: string) => vms.find(vm => vm.name === name)!;
  const { host } = of('busy');
  const busy = { ...useAt(5000, 10), cpuPercent: 90 };
  // Told in ten minutes, so that it does not grow old on a slow machine.
  const at = store.now() + 600_000;
  await store.jot(async db => {
    await keepNow(db, host, at, { [of('busy').uuid!]: busy });
    // Of a guest that its host has no more, since the VM is on another.
    await keepNow(db, 'elsewhere', at, { [of('silent').uuid!]: busy });
    if (of('idle').host !== host)
      await keepNow(db, of('idle').host, at, { [of('idle').uuid!]: useAt(5000, 10) });
  });
  const { items } = await client.vmsUse({ host });
  assert.ok(items.every(vm => vm.host === host) && items.some(({ name }) => name === 'busy'));
  const { use, history } = await client.vmUse('busy');
  const { counters: _, ...figures } = busy;
  assert.deepEqual(use, { ...figures, at: use!.at });
  assert.deepEqual(history, []);
  assert.equal((await client.vmUse('silent')).use, null);

  const world = new CliWorld();
  try {
    const env = { COAX_URL: served.url, COAX_TOKEN: TOKEN };
    const table = await world.run(['top', '--vms', '--vm', 'busy'], '', env);
    assert.match(
      table.stdout,
      /^1 VM {3}CPU 90%\nVM +HOST +CPU%↓ +PSS +READ\/S +WRITE\/S +TOLD\nbusy +\S+ +90\.0 +200M +0 +4\.0K +\ds\n$/,
    );
    const names = await world.run(['top', '--vms', '-o', 'name'], '', env);
    assert.equal(names.stdout.split('\n')[0], 'busy');
    const json = await world.run(['top', '--host', host, '-n', '1', '-o', 'json'], '', env);
    assert.equal(JSON.parse(json.stdout).items[0].use.cpuPercent, 90);
    const noHost = await world.run(['top', '--host', 'nowhere'], '', env);
    assert.match(noHost.stderr, /COAX_NOT_FOUND/);
    const mixed = await world.run(['top', '--vms', '--pid', '1'], '', env);
    assert.equal(mixed.status, 2);
  } finally {
    await world.close();
  }
});

onBothEngines('use', options => {
  test('an hour is kept, and no more than that however long it goes on', async () => {
    await using server = await openFixture(options());
    const { store, cloud } = server;
    const made = await server.run('create_vm', { cpu: 1, mem: 128, name: 'web' });
    const vm = (await cloud.vm('web'))!;
    const { host, uuid } = vm;
    assert.equal(made.phase, 'done');
    assert.deepEqual(await cloud.useHistory(vm), []);
    const now = store.now();
    // Three hours; in the middle of the last one the guest was started anew.
    for (let slot = 360; slot >= 0; slot -= 1) {
      const ms = 20_000_000 - slot * SLOT_MS;
      const use = slot > 60 ? useAt(ms, ms / 10) : useAt(ms, ms / 4, { startMs: 7777 });
      await store.jot(db => keepSlot(db, host, now - slot * SLOT_MS, { [uuid!]: use, other: useAt(ms, 0) }));
    }
    const rows = await useTables(store.reader).selectFrom('guest_use').select('slot').execute();
    assert.equal(rows.length, 120);
    const history = await cloud.useHistory(vm);
    // One without a time before it, and one across the start.
    assert.equal(history.length, 118);
    assert.ok(history.every(({ at }, index) => index === 0 || at > history[index - 1]!.at));
    assert.equal(history[0]!.cpuPercent, 10);
    const { at: last, ...point } = history.at(-1)!;
    assert.equal(last, now);
    assert.deepEqual(point, {
      seconds: SLOT_MS / 1000,
      cpuPercent: 25,
      readBytesPerSecond: 0,
      writeBytesPerSecond: 2500,
      ioDelayPercent: null,
      rssBytes: 300 * MIB,
      pssBytes: 200 * MIB,
    });
    assert.deepEqual(await cloud.useHistory({ host: 'sim-9', uuid }), []);
  });

  test('what is used now is what hosts told lately: by agents, and of the hosts of this server', async () => {
    await using server = await openFixture(options());
    const { store, cloud } = server;
    const agents = new Agents(store, agentWorkerName);
    await join(agents, 'h1');
    const guest = { uuid: 'u1', name: 'web', msgid: 1, state: 'running' as const, pid: 7 };
    const told = (use: GuestUse | null) => agents.report('h1', reportOf({ guests: [{ ...guest, use }] }));
    await told(null);
    assert.equal((await cloud.usesNow()).size, 0);
    await told(useAt(5000, 10));
    await told(useAt(10_000, 20));
    await store.jot(db => keepNow(db, 'sim-1', store.now(), { u2: useAt(1, 2) }));
    await store.jot(db => keepNow(db, 'sim-2', store.now() - 60_000, { u3: useAt(1, 2) }));
    const uses = await cloud.usesNow();
    assert.deepEqual([...uses.keys()].sort(), ['u1', 'u2']);
    assert.deepEqual([uses.get('u1')!.host, uses.get('u1')!.use.counters.cpuMs], ['h1', 20]);
    assert.deepEqual([...(await cloud.usesNow('sim-1')).keys()], ['u2']);
    assert.deepEqual([...(await cloud.usesNow('h1')).keys()], ['u1']);
    // Only the first report of a slot is written there, and all this takes less time than one.
    const slots = await useTables(store.reader)
      .selectFrom('guest_use')
      .select('guests')
      .where('host', '=', 'h1')
      .execute();
    assert.ok(slots.length <= 1);
    // An agent of the version before tells nothing of it.
    await agents.report('h1', reportOf({ guests: [guest] }));
    assert.equal((await cloud.usesNow('h1')).size, 0);
  });
});
