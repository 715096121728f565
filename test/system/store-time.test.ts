import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { retryable } from '../../src/message/outcome.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { claimAt, claimOne, finish } from '../../src/testing/store-conformance/fixture.ts';
import { inFolder, submission, untilDone, workOn } from './store-fixture.ts';

const HOUR_MS = 3_600_000;

it('a clock that is an hour behind after a start holds nothing up', () =>
  inFolder(async dir => {
    const file = join(dir, 'coax.db');
    const noon = Date.now();
    const store = openSqlite({ file, wall: () => noon });
    await store.submit([submission(1), submission(2), submission(3), submission(4)]);
    const [waits, leased] = await claimAt(store, 'plain', 2);
    await finish(store, waits!, retryable('E', 'busy', 1));
    assert.ok(leased);
    await store.close();
    const again = openSqlite({ file, wall: () => noon - HOUR_MS });
    const work = workOn(again);
    try {
      await untilDone(again, 4);
    } finally {
      await work.close();
      await again.close();
    }
  }));

it('a clock that jumps while the store is open moves neither leases nor waits', () =>
  inFolder(async dir => {
    let wall = Date.now();
    const store = openSqlite({ file: join(dir, 'coax.db'), wall: () => wall });
    try {
      const before = store.now();
      wall += HOUR_MS;
      assert.ok(store.now() - before < HOUR_MS / 2);
      wall -= 2 * HOUR_MS;
      assert.ok(store.now() >= before);
    } finally {
      await store.close();
    }
  }));

it('a claim that a loss of power made forgotten is undone by a cancel all the same', () =>
  inFolder(async dir => {
    const file = join(dir, 'coax.db');
    const store = openSqlite({ file, bootId: 'monday' });
    await store.submit([submission(1)]);
    await store.close();
    // The disk as it was before the claim: a claim alone is not waited for to reach it.
    copyFileSync(file, join(dir, 'spared.db'));
    const killed = openSqlite({ file, bootId: 'monday' });
    await claimOne(killed, 'plain');
    killed.abandon();
    const sameBoot = openSqlite({ file: join(dir, 'spared.db'), bootId: 'monday' });
    assert.equal((await sameBoot.message(1))?.begun, 0);
    await sameBoot.close();
    const nextBoot = openSqlite({ file: join(dir, 'spared.db'), bootId: 'tuesday' });
    try {
      const cancelled = await makeDecisions(nextBoot).cancel(1, { actor: 'ann', reason: 'enough' });
      assert.deepEqual([cancelled.mode, cancelled.phase, cancelled.cursor], ['rollback', 'open', 0]);
    } finally {
      await nextBoot.close();
    }
  }));
