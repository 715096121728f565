import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ok } from '../../message/outcome.ts';
import type { Store } from '../../store/store.ts';
import { claimOne, finish, type StoreFactory, submission, submitOne, withStore } from './fixture.ts';

export function durabilityConformance(factory: StoreFactory): void {
  describe('capabilities', () => {
    it('are what the engine is known for', () =>
      withStore(factory, async store => assert.deepEqual(store.capabilities, factory.capabilities)));
  });

  describe('close and open again', () => {
    it('finds everything as it was, and goes on from there', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'coax-store-'));
      const opened: Store[] = [];
      const open = async (): Promise<Store> => {
        const store = await factory.open(dir);
        opened.push(store);
        return store;
      };
      try {
        let store = await open();
        const msgid = await submitOne(store, { cpu: 1 }, { idempotencyKey: 'k' });
        await finish(store, await claimOne(store, 'net'), ok({ ip: 'x' }));
        const before = await store.message(msgid);
        const last = await submitOne(store);
        await store.close();
        store = await open();
        assert.deepEqual(await store.message(msgid), before);
        assert.equal((await store.commits(msgid)).length, 2);
        const [again] = await store.submit([submission({ cpu: 1 }, { idempotencyKey: 'k' })]);
        assert.deepEqual([again?.msgid, again?.created], [msgid, false]);
        assert.ok((await submitOne(store)) > last, 'no msgid is given twice');
        assert.equal((await finish(store, await claimOne(store, 'disk'), ok())).kind, 'written');
        assert.equal((await store.commitsByPrefix(before!.head, 5)).length, 1);
      } finally {
        for (const store of opened) await store.close();
        rmSync(dir, { recursive: true });
      }
    });

    it('waits for what is being written, and may be closed twice', () =>
      withStore(factory, async (store, dir) => {
        const writes = Array.from({ length: 20 }, (_, n) => submitOne(store, { n }));
        await store.close();
        const msgids = await Promise.all(writes);
        await store.close();
        const again = await factory.open(dir);
        try {
          for (const msgid of msgids) assert.ok((await again.message(msgid)) !== null);
        } finally {
          await again.close();
        }
      }));
  });
}
