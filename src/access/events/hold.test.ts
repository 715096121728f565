import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { FastifyReply } from 'fastify';
import { isCoaxError } from '../../errors/coax-error.ts';
import { Holds } from './hold.ts';

/** All that holding needs of an answer: that it tells of its end. */
function answer(): { reply: FastifyReply; close: () => void } {
  const raw = new EventEmitter();
  return { reply: { raw } as unknown as FastifyReply, close: () => void raw.emit('close') };
}

function held(most = 10) {
  const closing = new AbortController();
  const draining = new AbortController();
  const told: FastifyReply[] = [];
  const signals = { closing: closing.signal, draining: draining.signal };
  const holds = new Holds(signals, most, reply => told.push(reply));
  return { holds, closing, draining, told };
}

test('a server that drains ends what waits for work, and nothing else; one that closes ends all', () => {
  const { holds, closing, draining, told } = held();
  const events = holds.hold(answer().reply);
  const work = holds.holdForWork(answer().reply);
  assert.equal(told.length, 2);
  assert.deepEqual([events.aborted, work.aborted], [false, false]);
  draining.abort();
  assert.deepEqual([events.aborted, work.aborted], [false, true]);
  assert.equal(holds.holdForWork(answer().reply).aborted, true, 'one that comes afterwards, too');
  assert.equal(holds.hold(answer().reply).aborted, false);
  closing.abort();
  assert.equal(events.aborted, true);
  assert.equal(holds.hold(answer().reply).aborted, true);
});

test('a client that goes ends its own hold, and makes room', async () => {
  const { holds, draining } = held(2);
  const one = answer();
  const other = answer();
  const work = holds.holdForWork(one.reply);
  const events = holds.hold(other.reply);
  const isFull = (error: unknown) => isCoaxError(error, 'COAX_RATE');
  assert.throws(() => holds.hold(answer().reply), isFull);
  assert.throws(() => holds.holdForWork(answer().reply), isFull);
  one.close();
  assert.deepEqual([work.aborted, events.aborted], [true, false]);
  const again = holds.holdForWork(answer().reply);
  draining.abort();
  assert.equal(again.aborted, true);
  other.close();
  assert.equal(events.aborted, true);
});

test('released resolves when the last held answer has ended', async () => {
  const { holds } = held();
  await holds.released(60_000);
  const one = answer();
  const other = answer();
  holds.hold(one.reply);
  holds.holdForWork(other.reply);
  let isOver = false;
  const over = holds.released(60_000).then(() => {
    isOver = true;
  });
  one.close();
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  other.close();
  await over;
});
