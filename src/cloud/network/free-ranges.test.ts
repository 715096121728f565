import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { openSqlite } from '../../store/sqlite/open-sqlite.ts';
import type { Store } from '../../store/store.ts';
import { cloudSchema, cloudTables } from '../schema.ts';
import { giveBack, takeAddress, takeLowest } from './free-ranges.ts';

let dir: string;
let store: Store;
let networks = 0;
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'coax-ranges-'));
  store = openSqlite({ file: join(dir, 'coax.db'), schema: cloudSchema });
});
after(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

/** A network of its own for each case. */
async function network(low: number, high: number): Promise<string> {
  const name = `n${networks++}`;
  await store.transact(async tx => {
    await cloudTables(tx.db).insertInto('free_ranges').values({ network: name, low, high }).execute();
  });
  return name;
}
const ranges = async (name: string) =>
  (
    await cloudTables(store.reader)
      .selectFrom('free_ranges')
      .select(['low', 'high'])
      .where('network', '=', name)
      .orderBy('low')
      .execute()
  ).map(({ low, high }) => [low, high]);

test('any order of taking, asking and giving back agrees with a plain set of free addresses', async () => {
  const command = fc.oneof(
    fc.constant({ kind: 'take' as const, address: 0 }),
    fc.record({ kind: fc.constant('ask' as const), address: fc.integer({ min: 0, max: 19 }) }),
    fc.record({ kind: fc.constant('give' as const), address: fc.integer({ min: 1, max: 18 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async commands => {
      const name = await network(1, 18);
      const free = new Set(Array.from({ length: 18 }, (_, index) => index + 1));
      await store.transact(async tx => {
        for (const { kind, address } of commands) {
          if (kind === 'take') {
            const lowest = free.size ? Math.min(...free) : null;
            assert.equal(await takeLowest(tx, name), lowest);
            if (lowest !== null) free.delete(lowest);
          } else if (kind === 'ask') {
            assert.equal(await takeAddress(tx, name, address), free.delete(address));
          } else {
            await giveBack(tx, name, address);
            free.add(address);
          }
        }
      });
      const rows = await ranges(name);
      const listed = rows.flatMap(([low, high]) =>
        Array.from({ length: high! - low! + 1 }, (_, index) => low! + index),
      );
      assert.deepEqual(
        listed,
        [...free].sort((a, b) => a - b),
      );
      // Neighbours are joined, so the table never grows beyond the holes.
      assert.ok(rows.every(([low], index) => index === 0 || low! > rows[index - 1]![1]! + 1));
    }),
    { numRuns: 60 },
  );
});

test('with 65,000 addresses taken there are two rows to look at, and the lowest free one comes first', async () => {
  const name = await network(1, 65_533);
  await store.transact(async tx => {
    // As 65,000 allocations leave it: one run at the end, and one hole.
    await cloudTables(tx.db).deleteFrom('free_ranges').where('network', '=', name).execute();
    await cloudTables(tx.db)
      .insertInto('free_ranges')
      .values({ network: name, low: 65_001, high: 65_533 })
      .execute();
    await giveBack(tx, name, 40_000);
    assert.equal(await takeLowest(tx, name), 40_000);
    for (let round = 0; round < 500; round++) {
      assert.equal(await takeLowest(tx, name), 65_001 + round);
      await giveBack(tx, name, 7);
      assert.equal(await takeLowest(tx, name), 7);
    }
  });
  assert.deepEqual(await ranges(name), [[65_501, 65_533]]);
});
