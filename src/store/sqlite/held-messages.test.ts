import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import type { Json } from '../../message/message.ts';
import { ok } from '../../message/outcome.ts';
import { sealed } from '../../message/secret/sealed.ts';
import {
  claimOne,
  finish,
  planOfSteps,
  submission,
  submitOne,
} from '../../testing/store-conformance/fixture.ts';
import { copyStore } from '../copy-store.ts';
import { fsckStore } from '../fsck.ts';
import type { Claim } from '../store.ts';
import { openSqlite, openSqliteScan } from './open-sqlite.ts';
import { openSqliteSource, openSqliteTarget } from './raw-sqlite.ts';
import type { SqliteStore } from './sqlite-store.ts';

const PLAN = planOfSteps(...Array.from({ length: 100 }, () => 'net take'));
const keep = (): boolean => true;

async function withFile(test: (file: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'coax-held-'));
  try {
    await test(join(dir, 'coax.db'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function withStore(test: (store: SqliteStore, file: string) => Promise<void>): Promise<void> {
  return withFile(async file => {
    const store = openSqlite({ file });
    try {
      await test(store, file);
    } finally {
      await store.close();
    }
  });
}

const begin = async (store: SqliteStore): Promise<Claim> => {
  await submitOne(store, { cpu: 1 }, { plan: PLAN });
  return claimOne(store, 'net');
};

/** Does so many steps, and holds on to the message. */
async function goOn(store: SqliteStore, claim: Claim, steps: number): Promise<Claim> {
  let held = claim;
  for (let step = 0; step < steps; step++) {
    const answer = await finish(store, held, ok({ [`step${held.message.seq}`]: step }), { keep });
    assert.equal(answer.kind, 'written');
    held = answer.kind === 'written' && answer.claim !== null ? answer.claim : assert.fail('the claim ended');
  }
  return held;
}

/** seq and cursor as they lie in the database. */
function rowIn(file: string, msgid: number): { seq: number; cursor: number } {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return { ...database.prepare('SELECT seq, cursor FROM messages WHERE msgid = ?').get(msgid) } as {
      seq: number;
      cursor: number;
    };
  } finally {
    database.close();
  }
}

describe('a message that its worker holds', () => {
  it('is one row of the ledger for each step, and reads as it is', () =>
    withStore(async (store, file) => {
      const held = await goOn(store, await begin(store), 3);
      assert.deepEqual(rowIn(file, held.msgid), { seq: 0, cursor: 0 });
      const { updated: _, ...message } = (await store.message(held.msgid))!;
      const { updated: __, ...expected } = held.message;
      assert.deepEqual(message, expected);
      const [listed] = await store.messages({ status: 'running', limit: 1 });
      assert.deepEqual([listed?.cursor, listed?.head], [3, held.message.head]);
      assert.deepEqual(await store.transact(tx => tx.message(held.msgid)), held.message);
      assert.deepEqual((await fsckStore(store.scan())).faults, []);
    }));

  it('has a row that is behind by a bounded number of commits', () =>
    withStore(async (store, file) => {
      const held = await goOn(store, await begin(store), 90);
      const { seq } = rowIn(file, held.msgid);
      assert.ok(seq > 0 && held.message.seq - seq < 64, `the row stands at ${seq}`);
    }));

  it('is written only by its own claim at its own head', () =>
    withStore(async store => {
      const first = await begin(store);
      const held = await goOn(store, first, 2);
      assert.equal((await finish(store, first, ok({ twice: 1 }), { keep })).kind, 'lost');
      assert.equal((await finish(store, first, ok({ twice: 1 }))).kind, 'lost');
      const late = { ...held, fence: held.fence - 1 };
      assert.equal((await finish(store, late, ok({}), { keep })).kind, 'lost');
      const inTransaction = { inTransaction: true, next: () => assert.fail('it must not begin') };
      assert.equal((await finish(store, first, ok({}), inTransaction)).kind, 'lost');
      assert.equal((await goOn(store, held, 1)).message.seq, 3);
      assert.equal((await store.commits(first.msgid)).length, 4);
    }));

  it('goes on from its last commit when its worker gives it back', () =>
    withStore(async (store, file) => {
      const held = await goOn(store, await begin(store), 3);
      await store.release([held], false);
      assert.deepEqual(rowIn(file, held.msgid), { seq: 3, cursor: 3 });
      assert.equal((await finish(store, held, ok({}), { keep })).kind, 'lost');
      const again = await claimOne(store, 'net');
      assert.deepEqual([again.message.seq, again.message.trail], [3, held.message.trail]);
      await goOn(store, again, 2);
    }));

  it('goes on from its last commit when its worker is dead, or its lease has ended', () =>
    withStore(async store => {
      const held = await goOn(store, await begin(store), 2);
      assert.equal(await store.releaseWorker('w1'), 1);
      const again = await goOn(store, await claimOne(store, 'net', 1), 2);
      assert.equal(again.message.seq, 4);
      while ((await store.expireLeases()).length === 0) await new Promise(resolve => setImmediate(resolve));
      assert.equal((await claimOne(store, 'net')).message.seq, 4);
      assert.equal((await finish(store, held, ok({}))).kind, 'lost');
    }));

  it('tells its worker what a person asks for', () =>
    withStore(async store => {
      const held = await goOn(store, await begin(store), 2);
      const ask = { kind: 'cancel', actor: 'ann', reason: 'enough' } as const;
      assert.equal(await store.transact(tx => tx.ask(held.msgid, ask)), true);
      const answer = await finish(store, held, ok({}), { keep });
      assert.deepEqual(answer.kind === 'asked' && answer.claim.message.ask, ask);
      assert.equal(answer.kind === 'asked' && answer.claim.message.seq, 2);
    }));

  it('stays as it was when its transaction does not happen', () =>
    withStore(async store => {
      const held = await goOn(store, await begin(store), 1);
      const failing = store.write({
        claim: held,
        obeys: false,
        keep,
        inTransaction: true,
        next: () => Promise.reject(new Error('no')),
      });
      await assert.rejects(failing, /no/);
      await assert.rejects(
        store.transact(async tx => {
          await tx.message(held.msgid);
          throw new Error('no');
        }),
        /no/,
      );
      assert.equal((await goOn(store, held, 2)).message.seq, 3);
    }));

  it('has its row written when a step sets a secret, since keys are looked for there', () =>
    withStore(async (store, file) => {
      const claim = await begin(store);
      const set = { password: sealed('k1', 'iv', 'data') as unknown as Json };
      await finish(store, claim, ok(set), { keep });
      assert.equal(rowIn(file, claim.msgid).seq, 1);
    }));

  it('has its row written when the store closes', () =>
    withFile(async file => {
      const store = openSqlite({ file });
      const { msgid } = await goOn(store, await begin(store), 3);
      await store.close();
      assert.equal(rowIn(file, msgid).seq, 3);
    }));
});

describe('a process that ends while it holds a message', () => {
  /** A database as a killed process leaves it: one message at step 3 whose row is behind, and one that is queued. */
  async function killed(file: string): Promise<Claim> {
    const store = openSqlite({ file });
    const held = await goOn(store, await begin(store), 3);
    await store.submit([submission()]);
    store.abandon();
    assert.equal(rowIn(file, held.msgid).seq, 0);
    return held;
  }

  it('leaves it at its last durable commit for the next', () =>
    withFile(async file => {
      const held = await killed(file);
      const store = openSqlite({ file });
      try {
        const { cursor, trail, head, begun, address } = {
          address: (await store.readyAddresses()).join(),
          ...(await store.message(held.msgid))!,
        };
        assert.deepEqual([cursor, trail, head], [3, held.message.trail, held.message.head]);
        assert.deepEqual([begun, address], [1, 'net']);
        assert.equal((await finish(store, held, ok({}))).kind, 'lost');
        assert.equal((await goOn(store, await claimOne(store, 'net'), 1)).message.seq, 4);
        assert.deepEqual((await fsckStore(store.scan())).faults, []);
      } finally {
        await store.close();
      }
    }));

  it('leaves a database that is checked and copied as it is', () =>
    withFile(async file => {
      const held = await killed(file);
      const scan = openSqliteScan(file);
      assert.deepEqual((await fsckStore(scan)).faults, []);
      scan.close();
      const [source, target] = [openSqliteSource(file), openSqliteTarget(`${file}.copy`, [])];
      await copyStore(source, target);
      await Promise.all([source.close(), target.close()]);
      assert.deepEqual(rowIn(`${file}.copy`, held.msgid), { seq: 3, cursor: 3 });
    }));

  it('leaves damage to be found: a commit that does not go on from the row', () =>
    withFile(async file => {
      const { msgid } = await killed(file);
      const database = new DatabaseSync(file);
      database.prepare(`UPDATE messages SET head = 'x' WHERE msgid = ?`).run(msgid);
      database.close();
      const scan = openSqliteScan(file);
      const { faults } = await fsckStore(scan);
      scan.close();
      assert.ok(faults.some(fault => fault.msgid === msgid));
      assert.throws(() => openSqlite({ file }), { code: 'COAX_STORE_CORRUPT' });
    }));
});
