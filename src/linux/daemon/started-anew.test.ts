import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStartedAnew, ownUnit } from './started-anew.ts';

const SERVICE = { NOTIFY_SOCKET: '/run/systemd/notify', INVOCATION_ID: 'e2a0' };

test('the unit of a process is read from its control group, of version 2, hybrid and 1', () => {
  const system = { name: 'coax-agent.service', manager: 'system' };
  assert.deepEqual(ownUnit(SERVICE, '0::/system.slice/coax-agent.service\n'), system);
  assert.deepEqual(ownUnit(SERVICE, '9:name=systemd:/system.slice/coax-agent.service\n0::/\n'), system);
  const own = '0::/user.slice/user-0.slice/user@0.service/app.slice/coax-agent.service\n';
  assert.deepEqual(ownUnit({ ...SERVICE, MANAGERPID: '7' }, own), { ...system, manager: 'user' });
  // Below the unit, as with groups of its own.
  assert.deepEqual(ownUnit(SERVICE, '0::/system.slice/coax-agent.service/main\n'), system);
});

test('what was not started by systemd, or is not a service, has none', async () => {
  assert.equal(ownUnit({}, '0::/system.slice/coax-agent.service\n'), null);
  assert.equal(ownUnit({ INVOCATION_ID: 'e2a0' }, '0::/system.slice/coax-agent.service\n'), null);
  assert.equal(ownUnit(SERVICE, '0::/user.slice/session-1.scope\n5:devices:/x.service\n'), null);
  assert.equal(await isStartedAnew(), false);
});
