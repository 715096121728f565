/** Notifications are hints: whatever is lost, polling finds. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import pg from 'pg';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { planOfSteps, submission } from '../../src/testing/store-conformance/fixture.ts';
import { postgresTests, until } from '../postgres/fixture.ts';

/**
 * The channel looks every 250 ms, the feed every second; the rest is room for a busy machine. Without looks, nothing would come
 * before the wish ends.
 */
const WISH_MS = 300_000;
const WITHIN_MS = 60_000;

const { withDatabase } = postgresTests();

it('a lost notification costs at most the poll interval', t =>
  withDatabase(async ({ url, open, sql }) => {
    // Every session finds this function first: whatever servers tell each other is lost.
    await sql('CREATE SCHEMA deaf');
    await sql(`CREATE FUNCTION deaf.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT'`);
    await sql(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET search_path = deaf, pg_catalog, public`);
    const notices: string[] = [];
    const ear = new pg.Client({ connectionString: url });
    ear.on('notification', ({ payload }) => notices.push(payload ?? ''));
    await ear.connect();
    await ear.query('LISTEN coax_deaf');
    const sender = await open();
    const receiver = await open();
    const heard: number[] = [];
    receiver.onCommit(events => {
      for (const { message } of events) heard.push(message.msgid);
    });
    const channel = new StoreChannel(receiver);
    const waits: number[] = [];
    try {
      // The feed tells of what comes after its first look.
      const elsewhere = submission({}, { plan: planOfSteps('nowhere act') });
      await until('the feed has begun', async () => {
        await sender.submit([elsewhere]);
        return heard.length > 0;
      });
      for (let n = 0; n < 5; n++) {
        const wish = { worker: 'w', addresses: ['net'], limit: 1, leaseMs: 60_000, waitMs: WISH_MS };
        const claimed = channel.claim(wish);
        const sent = performance.now();
        const [accepted] = await sender.submit([submission()]);
        assert.equal((await claimed)[0]?.msgid, accepted?.msgid);
        waits.push(performance.now() - sent);
        await until('the commit is heard of', () => heard.includes(accepted?.msgid ?? 0));
        assert.ok(performance.now() - sent < WITHIN_MS);
      }
      await ear.query(`SELECT pg_catalog.pg_notify('coax_deaf', 'the end')`);
      await until('the ear hears', () => notices.length > 0);
      assert.deepEqual(notices, ['the end'], 'all others were lost');
    } finally {
      channel.close();
      await ear.end();
    }
    t.diagnostic(`claimed after ${waits.map(ms => ms.toFixed(0)).join(', ')} ms without a notification`);
    assert.ok(Math.max(...waits) < WITHIN_MS);
  }));
