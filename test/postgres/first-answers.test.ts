/** An idempotency key belongs to one request, however many servers on one PostgreSQL meet it at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { keepAnswer, repeatAnswer } from '../../src/access/exchange/repeat.ts';
import { repeatSchema } from '../../src/access/exchange/repeat-schema.ts';
import { postgresTests } from './fixture.ts';

const tests = postgresTests();

const requestOf = (body: object) =>
  ({
    method: 'POST',
    url: '/v1/x',
    body,
    actor: 'ann',
    headers: { 'idempotency-key': 'k' },
    keptUnder: null,
    routeOptions: { config: {} },
  }) as unknown as FastifyRequest;

/** Keeps what it is sent. */
function replyOf() {
  const sent: { status?: number; body?: string } = {};
  const reply = {
    statusCode: 200,
    getHeader: () => undefined,
    headers: () => reply,
    type: () => reply,
    code(status: number) {
      sent.status = status;
      return reply;
    },
    send(body: string) {
      sent.body = body;
      return reply;
    },
  };
  return { sent, reply: reply as unknown as FastifyReply };
}

test('one of many that race for a key takes it; its answer is given at every server', () =>
  tests.withDatabase(async database => {
    const stores = [
      await database.open({ schema: repeatSchema }),
      await database.open({ schema: repeatSchema }),
    ];
    const many = Array.from({ length: 10 }, () => requestOf({ a: 1 }));
    const ends = await Promise.allSettled(
      many.map((request, i) => repeatAnswer(stores[i % 2]!, request, replyOf().reply)),
    );
    const took = many.filter(({ keptUnder }) => keptUnder !== null);
    assert.equal(took.length, 1);
    const refused = ends.filter(end => end.status === 'rejected');
    assert.equal(refused.length, 9);
    for (const { reason } of refused) assert.match(reason.reason, /is under way/);
    await keepAnswer(stores[0]!, took[0]!, replyOf().reply, '{"ok":1}');
    for (const store of stores) {
      const { sent, reply } = replyOf();
      await repeatAnswer(store, requestOf({ a: 1 }), reply);
      assert.deepEqual(sent, { status: 200, body: '{"ok":1}' });
      await assert.rejects(repeatAnswer(store, requestOf({ a: 2 }), reply), /another request/);
    }
  }));
