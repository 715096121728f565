import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { inFolder, submission, untilDone, workOn } from './store-fixture.ts';

const QUEUED = 100_000;
const BATCH = 2000;
const MEMORY_MAX = 300 << 20;

it(`starts on a queue of ${QUEUED} messages in little memory, and works it off`, t =>
  inFolder(async dir => {
    const file = join(dir, 'coax.db');
    const store = openSqlite({ file });
    for (let n = 0; n < QUEUED; n += BATCH)
      await store.submit(Array.from({ length: BATCH }, (_, index) => submission(n + index)));
    await store.close();
    const memory = process.memoryUsage().rss;
    const began = performance.now();
    const again = openSqlite({ file });
    const work = workOn(again);
    try {
      await untilDone(again, 1);
      const startMs = performance.now() - began;
      t.diagnostic(`the first message was done after ${Math.round(startMs)} ms`);
      await untilDone(again, BATCH);
      const grown = process.memoryUsage().rss - memory;
      assert.ok(grown < MEMORY_MAX, `${grown >> 20} MiB more`);
    } finally {
      await work.close();
      await again.close();
    }
  }));
