import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SseStream } from '../../src/access/events/sse-stream.ts';
import type { CommitEventView } from '../../src/api/event.ts';
import { makeClient } from '../../src/client/client.ts';
import { connectEvents } from '../../src/client/event-stream.ts';
import { readServerSentEvents } from '../../src/client/sse.ts';
import { buildWeb, publishAll } from '../package/publish-all.ts';
import { ask, openServed, plan, type Served, TOKEN } from './access-fixture.ts';

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
  await client.waitFor(msgid, { timeoutMs: 180_000 });
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
  await client.waitFor(missed.msgid, { timeoutMs: 180_000 });
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

test('another server on the store, or this one after a restart, tells what was missed; a gap is told where too much was', async () => {
  await using served = await openServed();
  const { openAccess } = await import('../../src/access/open-access.ts');
  const other = await openAccess(served.services, { listen: '127.0.0.1:0' });
  const client = makeClient({ url: other.url, token: TOKEN });
  try {
    const first = await served.client.submit({ plan: plan('lab note') }, { waitMs: 10_000 });
    const { last } = await served.client.pollEvents();
    const missed = await served.client.submit({ plan: plan('lab note') }, { waitMs: 10_000 });
    const heard: string[] = [];
    for await (const event of client.events({ lastEventId: last })) {
      assert.equal(event.type, 'commit');
      if (event.type === 'commit') note(event, heard);
      if (heard.includes(`${missed.msgid}.1`)) break;
    }
    // What is only seconds old comes again, and each once to who follows.
    assert.deepEqual(
      heard,
      [first, missed].flatMap(({ msgid }) => [0, 1].map(seq => `${msgid}.${seq}`)),
    );
    const many = Array.from({ length: 2100 }, () => ({ plan: plan('nobody here') }));
    for (let from = 0; from < many.length; from += 700) await client.submitMany(many.slice(from, from + 700));
    await served.restart();
    for await (const event of connectEvents(served.client.transport, { lastEventId: last })) {
      assert.equal(event.type, 'gap');
      break;
    }
    const page = await served.client.pollEvents({ after: last });
    assert.deepEqual([page.items.length, page.gap], [0, true]);
    // Ids of older servers do not say when they were given.
    assert.equal((await served.client.pollEvents({ after: 'zzz-3' })).gap, true);
  } finally {
    client.close();
    await other.close();
  }
});

test('what came long ago is read again: each commit once, in order; a gap is told where it is too much', async () => {
  await using served = await openServed();
  const { client } = served;
  const { last } = await client.pollEvents();
  const heard: string[] = [];
  const expected: string[] = [];
  const done = await client.submit({ plan: plan('lab note', 'lab note') }, { waitMs: 60_000 });
  for (const seq of [0, 1, 2]) expected.push(`${done.msgid}.${seq}`);
  const wait = async (count: number): Promise<void> => {
    const made = await client.submitMany(
      Array.from({ length: count }, () => ({ plan: plan('nobody here') })),
    );
    for (const one of made.items) expected.push(`${'msgid' in one ? one.msgid : one.error.detail}.0`);
  };
  for (let batch = 0; batch < 3; batch++) await wait(500);
  const late = await client.submit({ plan: plan('lab note') }, { waitMs: 60_000 });
  for (const seq of [0, 1]) expected.push(`${late.msgid}.${seq}`);

  const { items, last: then, gap } = await client.pollEvents({ after: last });
  assert.equal(gap, false);
  for (const event of items) note(event, heard);
  assert.deepEqual(heard, expected);
  // From the middle of it, where all but the newest are no longer kept whole.
  const middle = items.find(({ message }) => message.msgid === done.msgid + 300);
  assert.ok(middle);
  const rest: string[] = [];
  for await (const event of client.events({ lastEventId: middle.id })) {
    assert.equal(event.type, 'commit');
    if (event.type === 'commit') note(event, rest);
    if (rest.at(-1) === expected.at(-1)) break;
  }
  assert.deepEqual(rest, expected.slice(expected.indexOf(`${done.msgid + 300}.0`) + 1));

  for (let batch = 0; batch < 9; batch++) await wait(500);
  const page = await client.pollEvents({ after: then });
  assert.deepEqual([page.items.length, page.gap], [0, true]);
});

test('events come by long polling, too: nothing twice, nothing left out, and held until there is one', async () => {
  await using served = await openServed();
  const { client, gates } = served;
  const begin = await client.pollEvents();
  assert.deepEqual([begin.items, begin.gap], [[], false]);
  const { msgid } = await client.submit({ plan: plan('lab gate', 'lab note'), parameters: { gate: 'g' } });
  await gates.reached('g');
  const heard: string[] = [];
  const accepted = await client.pollEvents({ after: begin.last, waitMs: 20_000 });
  for (const event of accepted.items) note(event, heard);
  assert.deepEqual(heard, [`${msgid}.0`]);
  const waiting = client.pollEvents({ after: accepted.last, waitMs: 20_000 });
  gates.open('g');
  let { items, last } = await waiting;
  assert.ok(items.length > 0, 'it was held until something came');
  while (items.length > 0) {
    for (const event of items) note(event, heard);
    if (heard.includes(`${msgid}.2`)) break;
    ({ items, last } = await client.pollEvents({ after: last, waitMs: 20_000 }));
  }
  assert.deepEqual(
    heard,
    [0, 1, 2].map(seq => `${msgid}.${seq}`),
  );
  // One message: the ids are the seqs of its commits, as in its stream.
  const whole = await client.pollEvents({ msgid, after: '' });
  assert.deepEqual(
    whole.items.map(({ id, commits }) => [id, commits.length]),
    [
      ['0', 1],
      ['1', 1],
      ['2', 1],
    ],
  );
  const rest = await client.pollEvents({ msgid, after: '1' });
  assert.deepEqual([rest.items.map(({ id }) => id), rest.last], [['2'], '2']);
  const none = await client.pollEvents({ msgid, after: '2', waitMs: 50 });
  assert.deepEqual([none.items, none.last], [[], '2']);
  const wrong = await ask(served, 'GET', '/v1/events?after=%3Cx%3E');
  assert.deepEqual([wrong.status, wrong.body.where], [400, 'after']);
});

test('a client that does not read is let go, and nothing is lost to the others', async t => {
  // It has some seconds in which to take the reason, so it must know at once.
  const { promise: letGo, resolve } = Promise.withResolvers<void>();
  const end = SseStream.prototype.end;
  t.mock.method(SseStream.prototype, 'end', function (this: SseStream, reason: string) {
    end.call(this, reason);
    resolve();
  });
  await using served = await openServed();
  const { client } = served;
  const socket = await openRaw(served, '/v1/events');
  socket.pause();
  const closed = new Promise<void>(resolve => socket.on('close', () => resolve()));
  const big = 'x'.repeat(100_000);
  // Commits carry what they set, so each event is as big as its message's parameters.
  let isOver = false;
  void letGo.then(() => {
    isOver = true;
    socket.resume();
  });
  for (let i = 0; !isOver; i++) {
    const each = { plan: plan('lab note') };
    await client.submitMany(
      Array.from({ length: 10 }, (_, n) => ({ ...each, parameters: { big: `${i}.${n}${big}` } })),
    );
  }
  let text = '';
  socket.on('data', chunk => {
    text = (text + chunk.toString('latin1')).slice(-2000);
  });
  await closed;
  assert.match(text, /event: end\ndata: \{"reason":"too slow/);
  const { msgid } = await client.submit({ plan: plan('lab note') });
  assert.equal((await client.waitFor(msgid, { timeoutMs: 180_000 })).status, 'done');
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

/** The stream of everything, as one token hears it: what `noted` makes of each event, but for null. */
async function streamOf(
  url: string,
  token: string,
  query: string,
  noted: (event: { readonly event: string; readonly data: string }) => string | null,
) {
  const heard: string[] = [];
  const answer = await fetch(`${url}/v1/events${query}`, { headers: { authorization: `Bearer ${token}` } });
  const reading = (async () => {
    for await (const event of readServerSentEvents(answer.body!)) {
      const note = noted(event);
      if (note !== null) heard.push(note);
    }
  })();
  return { heard, reading };
}

test('the stream of everything tells of what is published to who asks for it, and may see the installation', async () => {
  await using served = await openServed();
  const { identity } = served.services;
  await identity.projects.create('shop', {}, 'tester');
  const wish = { name: 'shop', account: null, project: 'shop', role: 'viewer', ttlMs: null } as const;
  const { text } = await identity.tokens.create(wish, 'tester');
  const stream = (token: string, query: string) =>
    streamOf(served.url, token, query, ({ event, data }) => (event === 'commit' ? null : `${event} ${data}`));
  const [all, both, shop, plain] = await Promise.all([
    stream(TOKEN, '?also=packages'),
    stream(TOKEN, '?also=webhooks,packages'),
    stream(text, '?also=packages'),
    stream(TOKEN, '?also=webhooks'),
  ]);
  const dir = mkdtempSync(join(tmpdir(), 'coax-events-'));
  const client = makeClient({ url: served.url, token: TOKEN });
  await publishAll(client, dir, [await buildWeb(dir, '1.0.0', [])]);
  const last = (heard: readonly string[]) => heard.at(-1) ?? '';
  while (!/^packages /.test(last(all.heard)) || !/^packages /.test(last(both.heard))) await sleep(20);
  // What comes after it would have come after it there, too.
  const body = { url: 'https://example.org/hook', events: ['done'], project: 'shop' };
  assert.equal((await ask(served, 'POST', '/v1/webhooks', { body })).status, 201);
  while (!/^webhook /.test(last(plain.heard)) || !/^webhook /.test(last(both.heard))) await sleep(20);
  assert.doesNotMatch(plain.heard.join(), /packages/);
  assert.deepEqual(shop.heard, []);
  client.close();
  await served[Symbol.asyncDispose]();
  await Promise.allSettled([all.reading, both.reading, shop.reading, plain.reading]);
  rmSync(dir, { recursive: true });
});

test('the stream of everything tells of webhooks to who asks for it, and may see them', async () => {
  await using served = await openServed();
  const { identity } = served.services;
  await identity.projects.create('shop', {}, 'tester');
  const wish = { name: 'shop', account: null, project: 'shop', role: 'viewer', ttlMs: null } as const;
  const { text } = await identity.tokens.create(wish, 'tester');
  const stream = (token: string, query: string) =>
    streamOf(served.url, token, query, ({ event, data }) =>
      event === 'webhook' ? (JSON.parse(data) as { id: string }).id : null,
    );
  const [all, shop, plain] = await Promise.all([
    stream(TOKEN, '?also=webhooks'),
    stream(text, '?also=webhooks'),
    stream(TOKEN, ''),
  ]);
  const make = async (project: string): Promise<string> => {
    const body = { url: 'https://example.org/hook', events: ['done'], project };
    const made = await ask(served, 'POST', '/v1/webhooks', { body });
    assert.equal(made.status, 201);
    return made.body.id as string;
  };
  const [mine, theirs] = [await make('default'), await make('shop')];
  while (!all.heard.includes(mine) || !shop.heard.includes(theirs)) await sleep(20);
  // A delivery, an edit and the end of one are told, too.
  for (const path of ['test', 'edit', 'remove']) {
    const before = shop.heard.length;
    const body = path === 'edit' ? { events: ['parked'] } : {};
    assert.equal((await ask(served, 'POST', `/v1/webhooks/${theirs}/${path}`, { body })).status < 300, true);
    while (shop.heard.length === before) await sleep(20);
  }
  assert.ok(!shop.heard.includes(mine));
  assert.deepEqual(plain.heard, []);
  await served[Symbol.asyncDispose]();
  await Promise.allSettled([all.reading, shop.reading, plain.reading]);
});
