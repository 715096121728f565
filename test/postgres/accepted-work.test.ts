/** What a worker here takes at once is leased to it by the transaction that accepts it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { ok } from '../../src/message/outcome.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import type { Claim, Store } from '../../src/store/store.ts';
import {
  claimAt,
  finish,
  planOfSteps,
  submission,
  submitOne,
} from '../../src/testing/store-conformance/fixture.ts';
import { makeWire, postgresTests, until } from './fixture.ts';

const LEASE_MS = 60_000;
const ONE_STEP = { plan: planOfSteps('net take') };

interface Taken {
  readonly claims: Claim[];
  freed: number;
  asked: number;
}

/** Takes all that comes at `net`, up to `most` at a time. */
function takeAll(store: Store, most = Number.POSITIVE_INFINITY): Taken {
  const taken: Taken = { claims: [], freed: 0, asked: 0 };
  store.offerAccepted(address => {
    taken.asked += 1;
    if (address !== 'net' || taken.asked - taken.freed > most) return null;
    return {
      worker: 'w1',
      leaseMs: LEASE_MS,
      fill: claim => taken.claims.push(claim),
      free: () => {
        taken.freed += 1;
      },
    };
  });
  return taken;
}

describe('a message that a worker takes as it is accepted', () => {
  const tests = postgresTests();

  it('is that worker’s from its first moment: nobody else can claim it, and no other server is told of work', () =>
    tests.withDatabase(async ({ open }) => {
      const [here, there] = [await open(), await open()];
      const heard: string[] = [];
      there.onReady(address => heard.push(address));
      const taken = takeAll(here);
      const [accepted] = await here.submit([submission({ n: 1 }, ONE_STEP)]);
      const msgid = accepted?.msgid ?? 0;
      const [claim] = taken.claims;
      assert.deepEqual(accepted?.message, claim?.message);
      assert.deepEqual([claim?.msgid, claim?.fence, claim?.message.worker], [msgid, 1, 'w1']);
      const stored = await there.message(msgid);
      assert.deepEqual([stored?.worker, stored?.fence, stored?.begun], ['w1', 1, 1]);
      assert.equal(stored?.leaseUntil, claim?.leaseUntil);
      assert.deepEqual(await claimAt(there, 'net'), []);
      assert.deepEqual(await there.extend([claim!], LEASE_MS), ['held']);
      assert.equal((await finish(here, claim!, ok())).kind, 'written');
      assert.equal((await there.message(msgid))?.phase, 'done');
      // What comes later on the same way has been heard, so what came before has too.
      await submitOne(here, {}, { plan: planOfSteps('disk make') });
      await until('the other is told', () => heard.includes('disk'));
      assert.deepEqual(heard, ['disk']);
      assert.equal((await fsckStore(here.scan())).ok, true);
    }));

  it('is claimed by others when its worker has died', () =>
    tests.withDatabase(async ({ open }) => {
      const [here, there] = [await open(), await open()];
      const taken = takeAll(here);
      const msgid = await submitOne(here, {}, ONE_STEP);
      assert.equal(await there.releaseWorker('w1'), 1);
      const [claim] = await claimAt(there, 'net', 1, LEASE_MS, 'w2');
      assert.equal(claim?.msgid, msgid);
      assert.equal((await finish(here, taken.claims[0]!, ok())).kind, 'lost');
      assert.equal((await finish(there, claim!, ok())).kind, 'written');
      assert.equal((await fsckStore(here.scan())).ok, true);
    }));

  it('leaves those beyond its places, and those elsewhere, to be claimed', () =>
    tests.withDatabase(async ({ open }) => {
      const store = await open();
      const taken = takeAll(store, 2);
      const plans = ['net take', 'disk make', 'net take', 'net take'].map(step => planOfSteps(step));
      const accepted = await store.submit(plans.map(plan => submission({}, { plan })));
      const msgids = accepted.map(({ msgid }) => msgid);
      assert.deepEqual(
        taken.claims.map(({ msgid }) => msgid),
        [msgids[0]],
      );
      const left = [...(await claimAt(store, 'net', 9)), ...(await claimAt(store, 'disk', 9))];
      assert.deepEqual(
        left.map(({ msgid }) => msgid),
        [msgids[2], msgids[3], msgids[1]],
      );
    }));

  it('is not made twice for a key, and a place for one that is not made is free again', () =>
    tests.withDatabase(async ({ open }) => {
      const [here, there] = [await open(), await open()];
      const taken = takeAll(here);
      const key = { ...ONE_STEP, idempotencyKey: 'k' };
      const first = await submitOne(there, { n: 1 }, key);
      assert.equal(await submitOne(here, { n: 1 }, key), first);
      await assert.rejects(submitOne(here, { n: 2 }, key), { code: 'COAX_IDEMPOTENCY_CONFLICT' });
      // Both may find the key free: one makes the message, and the other is answered with it.
      for (let n = 0; n < 20; n++) {
        const race = { ...ONE_STEP, idempotencyKey: `r${n}` };
        const [a, b] = await Promise.all([submitOne(here, {}, race), submitOne(there, {}, race)]);
        assert.equal(a, b);
      }
      const own = taken.claims.map(({ msgid }) => msgid);
      for (const msgid of own) assert.equal((await there.message(msgid))?.worker, 'w1');
      assert.equal(taken.asked, taken.claims.length + taken.freed);
    }));

  it('is its worker’s although the answer of the database was lost', () =>
    tests.withDatabase(async ({ open, url, sql }) => {
      const wire = await makeWire(tests.cluster.port);
      try {
        const store = await open({ url: url.replace(String(tests.cluster.port), String(wire.port)) });
        const taken = takeAll(store);
        await submitOne(store, {}, ONE_STEP);
        const lost = wire.loseAnswerTo('find-me');
        const msgid = await submitOne(store, { it: 'find-me' }, ONE_STEP);
        await lost;
        assert.equal(taken.claims.at(-1)?.msgid, msgid);
        assert.equal((await finish(store, taken.claims.at(-1)!, ok())).kind, 'written');
        assert.deepEqual(await sql('SELECT count(*)::int AS n FROM messages'), [{ n: 2 }]);
      } finally {
        await wire.close();
      }
    }));
});

describe('a channel that keeps what is accepted', () => {
  const tests = postgresTests();
  const keeps = { keeps: (address: string) => address === 'net' };
  const wish = { worker: 'w1', addresses: ['net', 'disk'], limit: 3, leaseMs: LEASE_MS, waitMs: 30_000 };
  const idsOf = (claims: readonly Claim[]): number[] =>
    claims.map(({ msgid }) => msgid).sort((a, b) => a - b);

  it('gives it to the worker that waits, and to no more than it takes; the rest is claimed', () =>
    tests.withDatabase(async ({ open }) => {
      const store = await open();
      const channel = new StoreChannel(store, () => 0, undefined, null, keeps);
      try {
        const first = channel.claim(wish);
        const accepted = await store.submit(Array.from({ length: 5 }, () => submission({}, ONE_STEP)));
        const msgids = accepted.map(({ msgid }) => msgid);
        const got: Claim[] = [...(await first)];
        assert.deepEqual(idsOf(got), msgids.slice(0, 3), 'as many as it takes, the oldest');
        while (got.length < 5) got.push(...(await channel.claim(wish)));
        assert.deepEqual(idsOf(got), msgids);
        for (const claim of got) assert.equal((await finish(store, claim, ok())).kind, 'written');
      } finally {
        channel.close();
      }
    }));

  it('takes back what it gave to a worker that has gone', () =>
    tests.withDatabase(async ({ open }) => {
      const store = await open();
      const gone = new AbortController();
      let kept = 0;
      const going = {
        keeps(address: string) {
          if (address !== 'net') return false;
          // Once the place is kept, and long before the message is durable.
          if (kept++ === 0) queueMicrotask(() => gone.abort());
          return true;
        },
      };
      const channel = new StoreChannel(store, () => 0, undefined, null, going);
      try {
        const first = channel.claim(wish, gone.signal);
        const submitted = submitOne(store, {}, ONE_STEP);
        assert.deepEqual(await first, []);
        const msgid = await submitted;
        const [claim] = await channel.claim({ ...wish, worker: 'w2' });
        assert.deepEqual([claim?.msgid, claim?.message.worker, claim?.message.begun], [msgid, 'w2', 1]);
        assert.equal(claim?.fence, 3, 'it was given, taken back, and claimed');
      } finally {
        channel.close();
      }
    }));
});
