/** A VM that no host has room for takes the room of preemptible ones: by their own undo, and no more of them than it needs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { registerHosts } from '../../src/cloud/resource/register-hosts.ts';
import { simulatedHosts } from '../../src/cloud/simulated-hosts.ts';
import type { Message, Parameters } from '../../src/message/message.ts';
import { parametersOf } from '../../src/message/parameters.ts';
import { onBothEngines } from './both-engines.ts';
import { type CloudFixture, openFixture } from './cloud-fixture.ts';

const BY = { actor: 'test', reason: 'to see' };
const PREEMPTIBLE = { preemptible: true };

/** Two hosts of 8 CPUs. */
const twoHosts = () => {
  const [first] = simulatedHosts('simulated');
  return { simulatedHosts: ['h1', 'h2'].map(name => ({ ...first!, name, cpuTotal: 8 })) };
};

const create = (fixture: CloudFixture, name: string, cpu: number, placement: Parameters = {}) =>
  fixture.run('create_vm', { cpu, mem: 96, name, placement });

async function made(fixture: CloudFixture, name: string, cpu: number, placement: Parameters = {}) {
  const message = await create(fixture, name, cpu, placement);
  assert.equal(message.phase, 'done', JSON.stringify(message.error));
  return message.msgid;
}

const names = async ({ cloud }: CloudFixture): Promise<string[]> =>
  (await cloud.vms()).map(({ name }) => name).sort();

/** What the first step of a message came to, attempt by attempt. */
const firstStep = async ({ store }: CloudFixture, { msgid }: Message) =>
  (await store.commits(msgid)).filter(
    ({ step, mode }) => step === 'resource select_host' && mode === 'normal',
  );

async function assertInOrder({ cloud, store }: CloudFixture): Promise<void> {
  assert.deepEqual(await cloud.fsck(), []);
  assert.deepEqual(await store.allocations({ kind: 'preemption' }), []);
}

onBothEngines(
  'preempt',
  options => {
    test('the fewest VMs make room; their messages and that of the new VM say so', async () => {
      await using fixture = await openFixture(options());
      await made(fixture, 'keep', 4);
      const small = await made(fixture, 'small', 4, PREEMPTIBLE);
      await made(fixture, 'big', 8, PREEMPTIBLE);
      const wanted = await create(fixture, 'wanted', 4);
      assert.equal(wanted.phase, 'done', JSON.stringify(wanted.error));
      assert.deepEqual(await names(fixture), ['big', 'keep', 'wanted']);
      const victim = await fixture.rest(small);
      assert.equal(victim.phase, 'rolled_back');
      const revert = (await fixture.store.commits(small)).find(({ outcome }) => outcome === 'revert')!;
      assert.equal(revert.actor, 'coax');
      assert.deepEqual(revert.detail, { reason: `preempted by message ${wanted.msgid}` });
      const steps = await firstStep(fixture, wanted);
      const first = steps[0]!;
      assert.equal(first.outcome, 'retry');
      assert.equal(first.error!.code, 'COAX_PREEMPTING');
      assert.match(first.error!.reason, new RegExp(`rid of vm small \\(message ${small}\\)`));
      const last = steps.at(-1)!.detail as Parameters;
      assert.deepEqual(last.preempted, [{ vm: 'small', msgid: small }]);
      assert.match(String(last.reason), /room was made by removing vm small/);
      await assertInOrder(fixture);
    });

    test('two that come together remove no more than both need, and one alone does not remove for both', async () => {
      await using fixture = await openFixture(options());
      for (const name of ['a', 'b', 'c', 'd']) await made(fixture, name, 4, PREEMPTIBLE);
      const asked = await Promise.all(
        ['one', 'two', 'three'].map(name =>
          fixture.submit('create_vm', { cpu: 2, mem: 96, name, placement: {} }),
        ),
      );
      for (const msgid of asked) {
        const message = await fixture.rest(msgid);
        assert.equal(message.phase, 'done', JSON.stringify(message.error));
      }
      // Three of 2 CPUs are the room of two of 4.
      const left = await names(fixture);
      assert.equal(left.filter(name => name.length === 1).length, 2, left.join());
      await assertInOrder(fixture);
    });

    test('preemptible VMs and VMs that are not preemptible are not removed for one that is preemptible', async () => {
      await using fixture = await openFixture(options());
      await made(fixture, 'a', 8, PREEMPTIBLE);
      await made(fixture, 'b', 8);
      const refused = await create(fixture, 'c', 1, PREEMPTIBLE);
      assert.equal(refused.error?.code, 'COAX_NO_VALID_HOST');
      const tooBig = await create(fixture, 'd', 9);
      assert.equal(tooBig.error?.code, 'COAX_NO_VALID_HOST');
      assert.deepEqual(await names(fixture), ['a', 'b']);
      assert.equal((await firstStep(fixture, tooBig)).length, 1);
      await assertInOrder(fixture);
    });

    test('what cannot be reverted now is spared: others go in its place, or the record says why not', async () => {
      await using fixture = await openFixture(options());
      const gang = await fixture.run('create_vms', {
        names: ['g1', 'g2'],
        cpu: 8,
        mem: 96,
        placement: PREEMPTIBLE,
      });
      assert.equal(gang.phase, 'done', JSON.stringify(gang.error));
      const refused = await create(fixture, 'x', 1);
      assert.equal(refused.error?.code, 'COAX_NO_VALID_HOST');
      assert.match(refused.error!.reason, /not preempted: .*g[12]/);
      assert.deepEqual(await names(fixture), ['g1', 'g2']);
      await assertInOrder(fixture);
    });

    test('a VM that a message works on is spared: another goes in its place', async () => {
      await using fixture = await openFixture(options());
      await made(fixture, 'keep', 4);
      await made(fixture, 'used', 4, PREEMPTIBLE);
      await made(fixture, 'big', 8, PREEMPTIBLE);
      const [first] = simulatedHosts('simulated');
      // Nobody serves that host, so the move to it comes no further than that.
      await fixture.store.transact(tx => registerHosts(tx, [{ ...first!, name: 'far', cpuTotal: 4 }]));
      const move = await fixture.submit('move_vm', { name: 'used', to: 'far' });
      while ((await fixture.store.message(move))?.cursor !== 3) await sleep(5);
      const wanted = await create(fixture, 'wanted', 4);
      assert.equal(wanted.phase, 'done', JSON.stringify(wanted.error));
      assert.deepEqual(await names(fixture), ['keep', 'used', 'wanted']);
      await fixture.decisions.cancel(move, BY);
      assert.equal((await fixture.rest(move)).phase, 'rolled_back');
      await assertInOrder(fixture);
    });

    test('a VM on its way out counts as room to come; one that gives up its wait leaves nothing', async () => {
      await using fixture = await openFixture(options());
      await made(fixture, 'keep', 8);
      const a = await made(fixture, 'a', 4, PREEMPTIBLE);
      await made(fixture, 'b', 4, PREEMPTIBLE);
      await fixture.decisions.revert(a, BY, true);
      const wanted = await create(fixture, 'wanted', 4);
      assert.equal(wanted.phase, 'done', JSON.stringify(wanted.error));
      assert.deepEqual(await names(fixture), ['b', 'keep', 'wanted']);
      const next = await fixture.submit('create_vm', { cpu: 4, mem: 96, name: 'next', placement: {} });
      while ((await fixture.store.commits(next)).length < 2) await sleep(2);
      await fixture.decisions.cancel(next, BY).catch(() => {});
      const ended = await fixture.rest(next);
      if (ended.phase === 'done') await fixture.decisions.revert(next, BY, true);
      assert.equal((await fixture.rest(next)).phase, 'rolled_back');
      assert.equal(parametersOf(ended).name, 'next');
      await assertInOrder(fixture);
    });
  },
  twoHosts,
);
