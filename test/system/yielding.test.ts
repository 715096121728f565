/** Work that another process made is left to the process that has the first right to it, and not for long. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { planOfSteps, submitOne } from '../../src/testing/store-conformance/fixture.ts';
import { Random } from '../simulation/random.ts';
import { Life, VirtualTime } from '../simulation/virtual-time.ts';

/** The virtual instant at which a worker gets work that came 5 ms after a look of its own. */
async function gotAt(yields: (address: string) => boolean, elsewhere: boolean): Promise<number> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-yield-'));
  const time = new VirtualTime(new Random(1));
  const timers = time.timersOf(new Life());
  const store = openSqlite({ file: join(dir, 'coax.db'), timers, wall: time.wall });
  const told = Object.create(store, {
    onReady: {
      value: (listener: (address: string, elsewhere: boolean) => void) =>
        store.onReady(address => listener(address, elsewhere)),
    },
  }) as typeof store;
  const bound = new Proxy(told, {
    get: (target, name) => {
      const value = Reflect.get(Object.hasOwn(target, name) ? target : store, name);
      return typeof value === 'function' && !Object.hasOwn(target, name) ? value.bind(store) : value;
    },
  });
  const channel = new StoreChannel(bound, () => 0, timers, null, { yields });
  try {
    let at = -1;
    const wish = { worker: 'w1', addresses: ['net'], limit: 1, leaseMs: 60_000, waitMs: 10_000 };
    void channel.claim(wish).then(claims => {
      if (claims.length > 0) at = time.now;
    });
    await time.run(5, () => false);
    const submitted = submitOne(store, {}, { plan: planOfSteps('net take') });
    await time.run(5000, () => at >= 0);
    await submitted;
    return at;
  } finally {
    channel.close();
    store.abandon();
    rmSync(dir, { recursive: true });
  }
}

test('at once where it has the first right, or made the work itself; else a moment later, long before the next look', async () => {
  const first = await gotAt(() => false, true);
  const own = await gotAt(() => true, false);
  const later = await gotAt(address => address === 'net', true);
  const other = await gotAt(address => address === 'disk', true);
  assert.deepEqual([own, other], [first, first]);
  assert.equal(later, first + 40);
});
