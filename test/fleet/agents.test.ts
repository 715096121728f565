/** Hosts with agents on a network: each machine is a network namespace with an address of its own. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gone } from '../../src/testing/process-lives.ts';
import { until } from '../system/process-fixture.ts';
import { Fleet } from './fleet-fixture.ts';

const skip = process.getuid?.() === 0 ? false : 'network namespaces are made by root';
const FAKETIME = globSync('/usr/lib/*/faketime/libfaketime.so.1')[0] ?? '';

test('hosts join and do the steps addressed to them; one that is cut off is down, and returns by itself', {
  skip,
}, async () => {
  await using fleet = await Fleet.open();
  for (const machine of ['a', 'b', 'c']) await fleet.lan.add(machine);
  await Promise.all(
    ['a', 'b', 'c'].map(machine => fleet.join(machine, ['--simulate', '--label', `host=${machine}`])),
  );
  for (const host of ['a', 'b', 'c']) assert.equal(await fleet.hostState(host), 'up');

  // Each VM is made by the agent of its host.
  const made = await Promise.all(['a', 'b', 'c', 'b'].map(host => fleet.createVm({ labels: { host } })));
  for (const message of made) {
    assert.equal(message.status, 'done', JSON.stringify(message.error));
    const { items } = await fleet.client.commits(message.msgid);
    const step = items.find(commit => commit.step === 'compute create_vm');
    assert.equal(step?.worker, `agent/${message.parameters.host}`);
  }

  await fleet.lan.cut('b');
  await until('the agent of b knows', () => fleet.status('b')?.connected === false);
  await fleet.untilState('b', 'down');
  // A step for b waits for it; the others are not held up.
  const onB = made[1]!.msgid;
  await fleet.client.revert(onB, { reason: 'to see', force: true });
  const elsewhere = await Promise.all(['a', 'c'].map(host => fleet.createVm({ labels: { host } })));
  for (const { status } of elsewhere) assert.equal(status, 'done');
  assert.equal(fleet.status('a')?.connected, true);
  assert.notEqual((await fleet.client.message(onB)).status, 'rolled_back');

  await fleet.lan.mend('b');
  assert.equal((await fleet.client.waitFor(onB)).status, 'rolled_back');
  await fleet.untilState('b', 'up');
  assert.equal((await fleet.createVm({ labels: { host: 'b' } })).status, 'done');
  assert.deepEqual((await fleet.client.fsck()).faults, []);
});

test('a second machine of the same name is refused, and the first one stays', { skip }, async () => {
  await using fleet = await Fleet.open();
  for (const machine of ['a', 'twin']) await fleet.lan.add(machine);
  await fleet.join('a', ['--simulate']);
  const token = await fleet.joinToken();
  const args = ['agent', '--join', fleet.url, '--token', token, '--name', 'a', '--simulate'];
  const twin = fleet.coax('twin', 'twin', args);
  assert.equal(await twin.ended, 5, twin.output);
  assert.match(twin.output, /COAX_HOST_EXISTS/);
  assert.equal((await fleet.createVm()).parameters.host, 'a');
  // Nor does a second agent start where one runs.
  const second = fleet.coax('a', 'a', ['agent']);
  assert.equal(await second.ended, 5, second.output);
  assert.match(second.output, /an agent runs here already \(pid \d+\)/);
});

test('clocks that are minutes off change nothing, and the ledger is kept in the server’s time', {
  skip,
}, async () => {
  assert.notEqual(FAKETIME, '', 'the Debian package libfaketime is needed');
  await using fleet = await Fleet.open();
  const skewed = (offset: string) => ({
    LD_PRELOAD: FAKETIME,
    FAKETIME: offset,
    DONT_FAKE_MONOTONIC: '1',
  });
  for (const machine of ['early', 'late']) await fleet.lan.add(machine);
  await fleet.join('early', ['--simulate', '--label', 'host=early'], skewed('+9m'));
  await fleet.join('late', ['--simulate', '--label', 'host=late'], skewed('-9m'));
  const begun = Date.now();
  const hosts = ['early', 'late', 'early', 'late'];
  const made = await Promise.all(hosts.map(host => fleet.createVm({ labels: { host } })));
  for (const message of made) {
    assert.equal(message.status, 'done', JSON.stringify(message.error));
    const { items } = await fleet.client.commits(message.msgid);
    const step = items.find(commit => commit.step === 'compute create_vm');
    for (const time of [step!.started, step!.finished]) {
      const at = new Date(time).getTime();
      assert.ok(at >= begun - 1000 && at <= Date.now() + 1000, `${time}: ${step!.worker}`);
    }
  }
  await until('both go on reporting', async () => {
    const states = await Promise.all(['early', 'late'].map(host => fleet.hostState(host)));
    return states.every(state => state === 'up') && fleet.status('late')?.connected;
  });
  assert.deepEqual((await fleet.client.fsck()).faults, []);
});

test('a server that is killed is found again by its hosts, whose steps then go on', { skip }, async () => {
  await using fleet = await Fleet.open();
  for (const machine of ['a', 'b']) await fleet.lan.add(machine);
  await Promise.all(['a', 'b'].map(machine => fleet.join(machine, ['--simulate'])));
  await fleet.stopServer('SIGKILL');
  await until('both know', () => ['a', 'b'].every(host => fleet.status(host)?.connected === false));
  await fleet.startServer();
  await until('both are back', () => ['a', 'b'].every(host => fleet.status(host)?.connected === true));
  const made = await Promise.all(Array.from({ length: 4 }, () => fleet.createVm()));
  for (const { status } of made) assert.equal(status, 'done');
  assert.deepEqual((await fleet.client.fsck()).faults, []);
});

test('an agent in the background: it is connected when the command returns, and stops when told to', {
  skip,
}, async () => {
  await using fleet = await Fleet.open();
  await fleet.lan.add('a');
  const token = await fleet.joinToken('a');
  const words = ['agent', '--join', fleet.url, '--token', token, '--name', 'a', '--simulate', '--daemonize'];
  const start = fleet.coax('a', 'a', words);
  assert.equal(await start.ended, 0, start.output);
  const status = fleet.coax('a', 'a', ['agent', 'status', '-o', 'json']);
  assert.equal(await status.ended, 0, status.output);
  const { pid, connected, state } = JSON.parse(status.output);
  assert.deepEqual({ connected, state }, { connected: true, state: 'up' });
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' ');
  assert.equal(Number(fields[3]), pid, 'a session of its own');
  const stop = fleet.coax('a', 'a', ['agent', 'stop']);
  assert.equal(await stop.ended, 0, stop.output);
  await gone(pid);
  const after = fleet.coax('a', 'a', ['agent', 'status']);
  assert.equal(await after.ended, 6, after.output);
  await fleet.untilState('a', 'down');
  const { items } = await fleet.client.hosts();
  assert.match(items.find(({ name }) => name === 'a')!.reason, /^its agent was stopped \(20/);

  // The second start needs no token. One that cannot be used says why at once.
  const again = fleet.coax('a', 'a', ['agent', '--daemonize']);
  assert.equal(await again.ended, 0, again.output);
  await fleet.untilState('a', 'up');
  const used = fleet.coax(
    'a',
    'other',
    words.map(word => (word === 'a' ? 'other' : word)),
  );
  assert.notEqual(await used.ended, 0);
  assert.match(used.output, /COAX_JOIN_TOKEN/);
  const last = fleet.coax('a', 'a', ['agent', 'stop']);
  assert.equal(await last.ended, 0, last.output);
});
