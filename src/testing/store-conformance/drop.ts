import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ok } from '../../message/outcome.ts';
import type { ArchiveRow } from '../../store/archives.ts';
import { fsckStore } from '../../store/fsck.ts';
import type { Store } from '../../store/store.ts';
import { claimOne, finish, type StoreFactory, submitOne, withStore } from './fixture.ts';

const rowOf = (name: string, ...msgids: readonly number[]): ArchiveRow => ({
  name,
  place: '/archives',
  first_msgid: Math.min(...msgids),
  last_msgid: Math.max(...msgids),
  messages: msgids.length,
  commits: 3 * msgids.length,
  bytes: 1,
  sha256: 'a',
  file_sha256: 'b',
  ids_sha256: 'c',
  ranges: JSON.stringify(msgids.map(msgid => [msgid, msgid])),
  created: 1,
});

async function makeDone(store: Store): Promise<number> {
  const msgid = await submitOne(store);
  for (const address of ['net', 'disk']) await finish(store, await claimOne(store, address), ok());
  return msgid;
}

export function dropConformance(factory: StoreFactory): void {
  describe('drop', () => {
    const drop = async (store: Store, name: string, ...msgids: readonly number[]): Promise<boolean> => {
      const marks = await Promise.all(msgids.map(async msgid => (await store.message(msgid))!));
      return store.transact(tx => tx.drop(rowOf(name, ...msgids), marks));
    };
    const fsck = (store: Store) => fsckStore(store.scan(), { gapsPossible: store.capabilities.shared });

    it('takes messages and their commits away, keeps the row of the archive, and leaves everything sound', () =>
      withStore(factory, async (store, dir) => {
        const msgids = [];
        for (let n = 0; n < 4; n++) msgids.push(await makeDone(store));
        const [first, second, third, fourth] = msgids as [number, number, number, number];
        const [gone] = await store.commits(second);
        assert.equal(await drop(store, 'one', second), true);
        assert.equal(await drop(store, 'two', fourth, first), true);
        assert.deepEqual(
          (await store.messages({ limit: 9 })).map(({ msgid }) => msgid),
          [third],
        );
        assert.equal((await store.counts()).done, 1);
        assert.deepEqual(await store.commits(second), []);
        assert.deepEqual(await store.commitsByPrefix(gone!.id.slice(0, 12), 2), []);
        assert.deepEqual((await fsck(store)).faults, []);
        await store.close();
        const again = await factory.open(dir);
        try {
          const archives = await again.scan().archives();
          assert.deepEqual(
            archives.map(({ name }) => name),
            ['two', 'one'],
          );
          assert.deepEqual({ ...archives[1]! }, rowOf('one', second));
          const next = await submitOne(again);
          assert.ok(next > fourth);
          const [accepted] = await again.commits(next);
          assert.equal((await again.commitsByPrefix(accepted!.id.slice(0, 12), 2))[0]?.msgid, next);
          assert.deepEqual((await fsck(again)).faults, []);
        } finally {
          await again.close();
        }
      }));

    it('does nothing when one of them has moved, holds something, or has a child that stays', () =>
      withStore(factory, async store => {
        const done = await makeDone(store);
        const other = await makeDone(store);
        const refused = async (work: () => Promise<unknown>): Promise<void> => {
          const marks = [(await store.message(done))!, (await store.message(other))!];
          await work();
          assert.equal(await store.transact(tx => tx.drop(rowOf('x', done, other), marks)), false);
          assert.equal((await store.commits(done)).length, 3);
          assert.deepEqual(await store.scan().archives(), []);
        };
        const holds = { kind: 'ip', key: 'x', msgid: other, detail: '{}', created: 1 };
        await refused(() => store.transact(tx => tx.db.insertInto('allocations').values(holds).execute()));
        await store.transact(tx => tx.db.deleteFrom('allocations').execute());
        await refused(() =>
          store.transact(tx =>
            tx.db.updateTable('messages').set({ fence: 99 }).where('msgid', '=', other).execute(),
          ),
        );
        await refused(() =>
          submitOne(store, {}, { parent: { msgid: other, step: 0, branch: 0, generation: 1 } }),
        );
      }));
  });
}
