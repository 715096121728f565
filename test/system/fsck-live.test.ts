import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { gitExport } from '../../src/ledger/git-export.ts';
import { RETRY_DEFAULT } from '../../src/message/backoff.ts';
import type { ActionStep } from '../../src/message/message.ts';
import { ok, terminal } from '../../src/message/outcome.ts';
import { exportMessages } from '../../src/store/export.ts';
import { fsckStore } from '../../src/store/fsck.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { StoreScan } from '../../src/store/store.ts';

const folder = mkdtempSync(join(tmpdir(), 'coax-fsck-live-'));
after(() => rmSync(folder, { recursive: true }));

const step = (action: string): ActionStep => ({ module: 'm', action, timeoutMs: 1000, retry: RETRY_DEFAULT });
const PLAN = { steps: ['a', 'b', 'c', 'd', 'e', 'f'].map(step) };
const MESSAGES = 120;

describe('a store in use', () => {
  it('verifies while workers move its messages, and exports what they did', async () => {
    const store = openSqlite({ file: join(folder, 'coax.db') });
    const channel = new StoreChannel(store);
    const submission = { flow: 'busy', plan: PLAN, parameters: { cpu: 2 }, actor: 'ann' };
    await store.submit(Array.from({ length: MESSAGES }, () => submission));
    let rested = 0;
    const worker = (async () => {
      while (rested < MESSAGES) {
        const claims = await channel.claim({
          worker: 'w',
          addresses: ['m'],
          limit: 20,
          leaseMs: 60_000,
          waitMs: 1000,
        });
        await Promise.all(
          claims.map(async claim => {
            const { message } = claim;
            const fails = message.mode === 'normal' && message.cursor === 4 && message.msgid % 3 === 0;
            const outcome = fails ? terminal('E_NO', 'no') : ok({ [`p${message.cursor}`]: message.msgid });
            const answer = await channel.finish({
              claim,
              outcome,
              code: null,
              started: message.updated,
              finished: store.now(),
            });
            if (answer.kind === 'written' && ['done', 'rolled_back'].includes(answer.message.phase))
              rested += 1;
          }),
        );
      }
    })();
    let looks = 0;
    while (rested < MESSAGES) {
      const report = await fsckStore(store.scan());
      assert.deepEqual(report.faults, []);
      assert.equal(report.messages, MESSAGES);
      looks += 1;
    }
    await worker;
    assert.ok(looks > 0, 'looked while they moved');
    const last = await fsckStore(store.scan());
    assert.ok(last.ok);
    let commits = 0;
    for await (const text of gitExport(exportMessages(store))) if (text.startsWith('commit ')) commits += 1;
    assert.equal(commits, last.commits);
    await channel.close();
    await store.close();
  });

  it('takes a message that moves between the reading of its row and of its chain for no fault', async () => {
    const store = openSqlite({ file: join(folder, 'moving.db') });
    const channel = new StoreChannel(store);
    await store.submit(
      Array.from({ length: 5 }, () => ({ flow: 'busy', plan: PLAN, parameters: {}, actor: 'ann' })),
    );
    const scan = store.scan();
    let moved = 0;
    const moving: StoreScan = {
      ...scan,
      async *messages() {
        for await (const row of scan.messages()) {
          // One step more by the time the chain is read, in the first look and in the second.
          const [claim] = await channel.claim({
            worker: 'w',
            addresses: ['m'],
            limit: 1,
            leaseMs: 60_000,
            waitMs: 10_000,
          });
          assert.ok(claim);
          const { updated } = claim.message;
          await channel.finish({ claim, outcome: ok(), code: null, started: updated, finished: updated });
          moved += 1;
          yield row;
        }
      },
      async *allocations() {
        // It was given back just after it was read.
        if (moved === 0) yield { kind: 'ip', key: '10.0.0.1', msgid: 99, detail: {}, created: 1 };
      },
    };
    const report = await fsckStore(moving);
    assert.deepEqual(report.faults, []);
    assert.ok(moved > 5, 'a second look was needed');
    await channel.close();
    await store.close();
  });
});
