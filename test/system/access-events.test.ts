import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { CommitEventView } from '../../src/api/event.ts';
import { connectEvents } from '../../src/client/event-stream.ts';
import { readServerSentEvents } from '../../src/client/sse.ts';
import { openServed, plan, type Served, TOKEN } from './access-fixture.ts';

test('a stream of one message goes on from Last-Event-ID without gap or repetition', async () => {
  await using served = await openServed();
  const { client, gates } = served;
  const { msgid } = await client.submit({
    plan: plan('lab note', 'lab note', 'lab gate', 'lab note'),
    parameters: { gate: 'sse' },
  });
  await gates.reached('sse');
  const seqs: number[] = [];
  const first = connectEvents(client.transport, { msgid });
  for await (const event of first) {
    if (event.type === 'commit') seqs.push(...event.commits.map(({ seq }) => seq));
    if (seqs.at(-1) === 2) break;
  }
  gates.open('sse');
  await client.waitFor(msgid, { timeoutMs: 30_000 });
  for await (const event of connectEvents(client.transport, { msgid, lastEventId: String(seqs.at(-1)) })) {
    assert.equal(event.type, 'commit');
    if (event.type === 'commit') seqs.push(...event.commits.map(({ seq }) => seq));
    if (seqs.at(-1) === 4) break;
  }
  assert.deepEqual(seqs, [0, 1, 2, 3, 4]);
});

test('the stream of everything tells each transition once, over a broken connection too', async () => {
  await using served = await openServed();
  const { client } = served;
  const heard: string[] = [];
  // Once the answer has begun the stream listens: what happens from now on must be told.
  const answer = await client.transport.send({ method: 'GET', path: '/v1/events' });
  const first = await client.submit({ plan: plan('lab note') });
  let last = '';
  for await (const { id, data } of readServerSentEvents(answer)) {
    note(JSON.parse(data), heard);
    last = id;
    if (heard.length >= 2) break;
  }
  const missed = await client.submit({ plan: plan('lab note', 'lab note') });
  await client.waitFor(missed.msgid, { timeoutMs: 30_000 });
  const expected = [0, 1].map(seq => `${first.msgid}.${seq}`);
  expected.push(...[0, 1, 2].map(seq => `${missed.msgid}.${seq}`));
  for await (const event of connectEvents(client.transport, { lastEventId: last })) {
    assert.equal(event.type, 'commit');
    if (event.type === 'commit') note(event, heard);
    if (heard.length >= expected.length) break;
  }
  assert.deepEqual(heard, expected);
});

function note({ message, commits }: CommitEventView, heard: string[]): void {
  heard.push(...commits.map(({ seq }) => `${message.msgid}.${seq}`));
}

test('a position of another run of the server is answered by a gap', async () => {
  await using served = await openServed();
  for await (const event of connectEvents(served.client.transport, { lastEventId: 'zzz-3' })) {
    assert.equal(event.type, 'gap');
    break;
  }
});

test('a client that does not read is let go, and nothing is lost to the others', async () => {
  await using served = await openServed();
  const { client } = served;
  const socket = await openRaw(served, '/v1/events');
  socket.pause();
  const closed = new Promise<void>(resolve => socket.on('close', () => resolve()));
  const big = 'x'.repeat(100_000);
  // Commits carry what they set, so each event is as big as its message's parameters.
  let ended = false;
  void closed.then(() => {
    ended = true;
  });
  // Many at once: whoever is let go has some seconds in which to take the reason.
  for (let i = 0; i < 20 && !ended; i++) {
    const each = { plan: plan('lab note') };
    await client.submitMany(
      Array.from({ length: 10 }, (_, n) => ({ ...each, parameters: { big: `${i}.${n}${big}` } })),
    );
  }
  socket.resume();
  let text = '';
  socket.on('data', chunk => {
    text = (text + chunk.toString('latin1')).slice(-2000);
  });
  await closed;
  assert.match(text, /event: end\ndata: \{"reason":"too slow/);
  const { msgid } = await client.submit({ plan: plan('lab note') });
  assert.equal((await client.waitFor(msgid, { timeoutMs: 30_000 })).status, 'done');
});

async function openRaw(served: Served, path: string) {
  const { hostname, port } = new URL(served.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\naccept: text/event-stream\r\n\r\n`,
  );
  await new Promise<void>(resolve => socket.once('data', () => resolve()));
  return socket;
}

test('what is no HTTP gets a problem', async () => {
  await using served = await openServed();
  const { hostname, port } = new URL(served.url);
  const socket = connect(Number(port), hostname);
  socket.write('HELO there\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.match(text, /^HTTP\/1\.1 400 .*application\/problem\+json/s);
});
