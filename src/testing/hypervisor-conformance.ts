import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GuestSpec, Hypervisor } from '../cloud/compute/hypervisor.ts';
import { isCoaxError } from '../errors/coax-error.ts';

/** What the suite needs of an engine. */
export interface HypervisorFixture {
  /** A new instance on the same data directory, as a restarted server has it. */
  open(): Promise<Hypervisor>;
  /** A spec that can be made here; each `index` another guest. */
  spec(index: number): GuestSpec;
  /** Leaves what a crash in the middle of a create leaves; undefined where there is no middle. */
  halfMake?(spec: GuestSpec): Promise<void>;
  /** Throws if the host has anything of a guest left; called when all are destroyed. */
  assertClean(): Promise<void>;
  close(): Promise<void>;
}

const LIMIT_MS = 240_000;

/**
 * The promises of a Hypervisor, each a test. `make` is called for every test, so that none sees another's guests.
 * Exported for engines outside of Coax too.
 */
export function hypervisorConformance(name: string, make: () => Promise<HypervisorFixture>): void {
  const promise = (
    claim: string,
    check: (fixture: HypervisorFixture, signal: AbortSignal) => Promise<void>,
  ) =>
    it(claim, async () => {
      const fixture = await make();
      const signal = AbortSignal.timeout(LIMIT_MS);
      try {
        await check(fixture, signal);
        const hypervisor = await fixture.open();
        for (const guest of await hypervisor.list()) await hypervisor.destroy(guest.uuid, signal);
        await fixture.assertClean();
      } finally {
        await fixture.close();
      }
    });

  describe(`${name} keeps the promises of a hypervisor`, { concurrency: false }, () => {
    promise('a created guest runs, is found and is listed', async (fixture, signal) => {
      const hypervisor = await fixture.open();
      const [one, two] = [fixture.spec(1), fixture.spec(2)];
      assert.equal(await hypervisor.find(one.uuid), null);
      assert.deepEqual(await hypervisor.list(), []);
      const guest = await hypervisor.create(one, signal);
      assert.equal(guest.state, 'running');
      assert.deepEqual(guest.spec, one);
      assert.ok(guest.url.startsWith(`http://${one.network.ip}`));
      assert.deepEqual(await hypervisor.find(one.uuid), guest);
      await hypervisor.create(two, signal);
      assert.deepEqual(
        (await hypervisor.list()).map(({ uuid }) => uuid),
        [one.uuid, two.uuid].sort(),
      );
    });

    promise('a second create gives the same guest, also at the same time', async (fixture, signal) => {
      const hypervisor = await fixture.open();
      const spec = fixture.spec(1);
      const [first, second] = await Promise.all([
        hypervisor.create(spec, signal),
        hypervisor.create(spec, signal),
      ]);
      assert.deepEqual(second, first);
      assert.deepEqual(await hypervisor.create(spec, signal), first);
      await assert.rejects(hypervisor.create({ ...spec, cpu: spec.cpu + 1 }, signal), error =>
        isCoaxError(error, 'COAX_HYPERVISOR'),
      );
      assert.equal((await hypervisor.list()).length, 1);
    });

    promise('destroy removes all of it, and may be repeated', async (fixture, signal) => {
      const hypervisor = await fixture.open();
      const spec = fixture.spec(1);
      await hypervisor.destroy(spec.uuid, signal);
      await hypervisor.create(spec, signal);
      await hypervisor.destroy(spec.uuid, signal);
      await fixture.assertClean();
      assert.equal(await hypervisor.find(spec.uuid), null);
      await hypervisor.destroy(spec.uuid, signal);
      assert.equal((await hypervisor.create(spec, signal)).state, 'running', 'it can be made again');
    });

    promise('a new instance adopts what runs and what is stopped', async (fixture, signal) => {
      const [one, two] = [fixture.spec(1), fixture.spec(2)];
      const before = await fixture.open();
      const guest = await before.create(one, signal);
      await before.create(two, signal);
      await before.stop(two.uuid, 0, signal);
      const after = await fixture.open();
      assert.deepEqual(await after.find(one.uuid), guest);
      assert.equal((await after.find(two.uuid))?.state, 'stopped');
      assert.deepEqual(await after.create(one, signal), guest, 'create finds it too');
      await after.destroy(one.uuid, signal);
      assert.equal(await before.find(one.uuid), null);
    });

    promise('stop keeps the guest, start boots it again; both may be repeated', async (fixture, signal) => {
      const hypervisor = await fixture.open();
      const spec = fixture.spec(1);
      await hypervisor.create(spec, signal);
      for (const _ of [1, 2]) {
        const stopped = await hypervisor.stop(spec.uuid, 0, signal);
        assert.deepEqual([stopped.state, stopped.pid], ['stopped', null]);
        assert.deepEqual(await hypervisor.find(spec.uuid), stopped);
      }
      assert.equal((await hypervisor.list()).length, 1);
      const started = await hypervisor.start(spec.uuid, signal);
      assert.equal(started.state, 'running');
      assert.deepEqual(started.spec, spec);
      assert.deepEqual(await hypervisor.start(spec.uuid, signal), started);
      await hypervisor.stop(spec.uuid, 0, signal);
      assert.equal((await hypervisor.create(spec, signal)).state, 'running', 'create boots a stopped one');
    });

    promise('reboot leaves it running, and refuses one that is stopped', async (fixture, signal) => {
      const hypervisor = await fixture.open();
      const spec = fixture.spec(1);
      const guest = await hypervisor.create(spec, signal);
      assert.deepEqual(await hypervisor.reboot(spec.uuid, signal), guest);
      await hypervisor.stop(spec.uuid, 0, signal);
      await assert.rejects(hypervisor.reboot(spec.uuid, signal), error =>
        isCoaxError(error, 'COAX_HYPERVISOR'),
      );
    });

    promise('what needs a guest says so when there is none', async (fixture, signal) => {
      const hypervisor = await fixture.open();
      const { uuid } = fixture.spec(1);
      const isNotFound = (error: unknown) => isCoaxError(error, 'COAX_NOT_FOUND');
      await assert.rejects(hypervisor.start(uuid, signal), isNotFound);
      await assert.rejects(hypervisor.stop(uuid, 0, signal), isNotFound);
      await assert.rejects(hypervisor.reboot(uuid, signal), isNotFound);
      await assert.rejects(hypervisor.consoleTail(uuid, 100), isNotFound);
      await assert.rejects(hypervisor.find('../../etc'), error => isCoaxError(error, 'COAX_HYPERVISOR'));
    });

    promise('a spec that cannot be made is refused, and nothing is left', async (fixture, signal) => {
      const hypervisor = await fixture.open();
      const good = fixture.spec(1);
      const bad: [field: string, spec: GuestSpec][] = [
        ['mem', { ...good, memMib: 64 }],
        ['cpu', { ...good, cpu: 0 }],
        ['name', { ...good, name: 'a b' }],
        ['uuid', { ...good, uuid: '../x' }],
        ['ip', { ...good, network: { ...good.network, ip: '10.0.0.1,evil=on' } }],
        ['mac', { ...good, network: { ...good.network, mac: '01:00:00:00:00:00' } }],
      ];
      for (const [field, spec] of bad) {
        await assert.rejects(
          hypervisor.create(spec, signal),
          error => isCoaxError(error, 'COAX_HYPERVISOR') && error.where === field,
          field,
        );
      }
      assert.deepEqual(await hypervisor.list(), []);
      await fixture.assertClean();
    });

    promise('an aborted call does nothing', async (fixture, signal) => {
      const hypervisor = await fixture.open();
      const spec = fixture.spec(1);
      const reason = new Error('lease lost');
      await assert.rejects(hypervisor.create(spec, AbortSignal.abort(reason)), reason);
      assert.equal(await hypervisor.find(spec.uuid), null);
      const guest = await hypervisor.create(spec, signal);
      await assert.rejects(hypervisor.destroy(spec.uuid, AbortSignal.abort(reason)), reason);
      assert.deepEqual(await hypervisor.find(spec.uuid), guest);
    });

    promise('a half-made guest is made again, or destroyed', async (fixture, signal) => {
      if (!fixture.halfMake) return;
      const hypervisor = await fixture.open();
      const [one, two] = [fixture.spec(1), fixture.spec(2)];
      await fixture.halfMake(one);
      assert.equal((await hypervisor.create(one, signal)).state, 'running');
      await hypervisor.destroy(one.uuid, signal);
      await fixture.halfMake(two);
      await hypervisor.destroy(two.uuid, signal);
      await fixture.assertClean();
    });
  });
}
