/** Idempotency keys of submissions are forgotten in the end, and not before. On both engines. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Kysely } from 'kysely';
import { forgetKeys } from '../../src/access/exchange/forget-keys.ts';
import { openServed, plan } from './access-fixture.ts';
import { onBothEngines } from './both-engines.ts';

onBothEngines('keys', options => {
  it('the key of an old message may be used again; that of a newer one still gives its message', async () => {
    await using served = await openServed(options());
    const { client, store } = served;
    const submit = (key: string) => client.submit({ plan: plan('lab note') }, { key });
    const before: number[] = [];
    for (let n = 0; n < 5; n++) before.push((await submit(`k-${n}`)).msgid);
    assert.equal(await forgetKeys(store), 0);
    const dayMs = 24 * 3_600_000;
    await store.transact(async ({ db }) => {
      await (db as Kysely<{ messages: { msgid: number; created: number } }>)
        .updateTable('messages')
        .set({ created: store.now() - 31 * dayMs })
        .where('msgid', 'in', before.slice(0, 3))
        .execute();
    });
    assert.equal(await forgetKeys(store), 3);
    const again: number[] = [];
    for (let n = 0; n < 5; n++) again.push((await submit(`k-${n}`)).msgid);
    assert.deepEqual(again.slice(3), before.slice(3));
    assert.ok(Math.min(...again.slice(0, 3)) > Math.max(...before));
  });

  it('with no message there is nothing to forget', async () => {
    await using served = await openServed(options());
    assert.equal(await forgetKeys(served.store), 0);
  });
});
