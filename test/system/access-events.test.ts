import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { StreamEvent } from '../../src/client/client.ts';
import { connectEvents } from '../../src/client/event-stream.ts';
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
  const stop = new AbortController();
  const heard: string[] = [];
  const begun = Promise.withResolvers<void>();
  let last = '';
  const listen = async (wanted: number, lastEventId?: string) => {
    const options = { signal: stop.signal, ...(lastEventId && { lastEventId }) };
    for await (const event of connectEvents(client.transport, options)) {
      begun.resolve();
      note(event, heard);
      last = event.id;
      if (heard.length >= wanted) return;
    }
  };
  const listening = listen(1);
  // A first message shows that the stream is open: sent until it is heard.
  const beat = setInterval(() => void client.submit({ plan: plan('lab note') }), 50);
  await begun.promise;
  clearInterval(beat);
  await listening;
  const missed = await client.submit({ plan: plan('lab note', 'lab note') });
  await client.waitFor(missed.msgid, { timeoutMs: 30_000 });
  const all = new Set<string>();
  for (const { msgid } of (await client.messages()).items) {
    await client.waitFor(msgid, { timeoutMs: 30_000 });
    for (const { seq } of (await client.commits(msgid)).items) all.add(`${msgid}.${seq}`);
  }
  const from = Number(heard[0]!.split('.')[0]);
  const expected = [...all].filter(at => Number(at.split('.')[0]) > from || heard.includes(at));
  await listen(expected.length, last);
  assert.equal(new Set(heard).size, heard.length, 'nothing twice');
  for (const at of expected) assert.ok(heard.includes(at), `${at} was not told: ${heard.join(' ')}`);
});

function note(event: StreamEvent, heard: string[]): void {
  assert.equal(event.type, 'commit');
  if (event.type === 'commit') heard.push(...event.commits.map(({ seq }) => `${event.message.msgid}.${seq}`));
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
  for (let i = 0; i < 400 && !ended; i++) {
    await client.submit({ plan: plan('lab note'), parameters: { big: `${i}${big}` } });
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
