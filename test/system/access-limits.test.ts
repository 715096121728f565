/** What bounds the clients of one server, each on real sockets. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import type { Limits } from '../../src/access/limits/limits.ts';
import { type Answer, ask, openServed, plan, type Served, TOKEN } from './access-fixture.ts';

const open = (limits: Partial<Limits>): Promise<Served> => openServed({ limits });

async function socketTo({ url }: Served): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** All that comes until the other side closes. */
async function untilClosed(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', chunk => {
    text += String(chunk);
  });
  await once(socket, 'close');
  return text;
}

/** The first answer of 429. Several ask at once, since more may be asked for with every second that it takes. */
async function untilRefused(request: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answers = await Promise.all(Array.from({ length: 8 }, request));
    const refused = answers.find(({ status }) => status === 429);
    if (refused !== undefined) return refused;
  }
}

test('a token asks so often at once and is then told when to come again; another is not in its way', async () => {
  await using served = await open({ 'token-rate': 1, 'token-burst': 3 });
  const first = await ask(served, 'GET', '/v1/counts');
  assert.equal(first.status, 200);
  assert.equal(first.headers.get('ratelimit-policy'), '"token";q=3;w=3');
  assert.match(first.headers.get('ratelimit')!, /^"token";r=2;t=\d$/);
  for (let i = 0; i < 2; i++) assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
  const refused = await untilRefused(() => ask(served, 'GET', '/v1/counts'));
  assert.equal(refused.body.code, 'COAX_RATE');
  assert.match(refused.type, /^application\/problem\+json/);
  assert.equal(refused.headers.get('retry-after'), '1');
  assert.match(refused.headers.get('ratelimit')!, /^"token";r=0;t=1$/);
});

test('the client waits as it is told', async () => {
  await using served = await open({ 'token-rate': 20, 'token-burst': 2 });
  const counts = await Promise.all(Array.from({ length: 8 }, () => served.client.counts()));
  assert.equal(counts.length, 8);
});

test('who guesses tokens is stopped, and does not shut out who shares his address', async () => {
  await using served = await open({ 'address-rate': 1, 'address-burst': 5 });
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
  for (let i = 0; i < 5; i++)
    assert.equal((await ask(served, 'GET', '/v1/counts', { token: `g${i}` })).status, 401);
  await untilRefused(() => ask(served, 'GET', '/v1/counts', { token: 'g5' }));
  const none = await untilRefused(() => ask(served, 'GET', '/v1/counts', { token: null }));
  assert.ok(Number(none.headers.get('retry-after')) >= 1);
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
});

test('routes without a token are counted by address; those for probes are not', async () => {
  await using served = await open({ 'address-rate': 1, 'address-burst': 2 });
  const document = () => ask(served, 'GET', '/openapi.json', { token: null });
  for (let i = 0; i < 2; i++) assert.equal((await document()).status, 200);
  await untilRefused(document);
  for (let i = 0; i < 10; i++)
    assert.equal((await ask(served, 'GET', '/livez', { token: null })).status, 200);
});

test('a body may be so large and so deep', async () => {
  await using served = await open({ 'submit-kib': 4, 'body-depth': 10 });
  const large = await ask(served, 'POST', '/v1/messages', { body: { flow: 'x'.repeat(5000) } });
  assert.deepEqual([large.status, large.body.code], [413, 'COAX_MESSAGE_TOO_LARGE']);
  const deep = await ask(served, 'POST', '/v1/messages', { text: '['.repeat(11) + ']'.repeat(11) });
  assert.deepEqual([deep.status, deep.body.code], [400, 'COAX_MESSAGE_INVALID']);
  assert.match(deep.body.detail, /deeper than 10/);
  const text = await ask(served, 'POST', '/v1/messages', { text: '['.repeat(9) + ']'.repeat(9) });
  assert.doesNotMatch(text.body.detail, /deeper/);
  const poisoned = await ask(served, 'POST', '/v1/messages', { text: '{"__proto__":{"a":1}}' });
  assert.equal(poisoned.status, 400);
  const good = await ask(served, 'POST', '/v1/messages', { body: { plan: plan('lab note') } });
  assert.equal(good.status, 202);
});

test('headers may be so many and so large', async () => {
  await using served = await open({ headers: 20, 'header-kib': 2 });
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x-${i}`, '1']));
  assert.equal((await ask(served, 'GET', '/v1/counts', { headers: many })).status, 431);
  const large = await ask(served, 'GET', '/v1/counts', { headers: { 'x-large': 'y'.repeat(3000) } });
  assert.deepEqual([large.status, large.type], [431, 'application/problem+json']);
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
});

test('who sends a request drop by drop is cut off, and the others are answered meanwhile', async () => {
  await using served = await open({ 'header-seconds': 1, 'request-seconds': 2 });
  const slow = await Promise.all(Array.from({ length: 50 }, () => socketTo(served)));
  const ends = slow.map(untilClosed);
  for (const [i, socket] of slow.entries()) {
    // Half of them never end their headers, half never their body.
    socket.write('POST /v1/messages HTTP/1.1\r\nhost: x\r\n');
    if (i % 2 === 1)
      socket.write(
        `authorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 9000\r\n\r\n{`,
      );
  }
  const drip = setInterval(() => {
    for (const [i, socket] of slow.entries())
      if (socket.writable) socket.write(i % 2 === 1 ? ' ' : 'x: y\r\n');
  }, 100);
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
  const texts = await Promise.all(ends);
  clearInterval(drip);
  for (const text of texts) assert.match(text, /^(HTTP\/1\.1 408 |$)/);
  assert.ok(texts.filter(text => text.includes('408')).length >= 25, texts.join('\n'));
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
});

test('who does not take its answer is cut off', async () => {
  await using served = await open({ 'answer-seconds': 1 });
  const value = 'v'.repeat(200_000);
  for (let i = 0; i < 20; i++)
    await served.client.submit({ plan: plan('lab note'), parameters: { value } } as never);
  const socket = await socketTo(served);
  socket.pause();
  // Several answers, more than the system's own buffers hold.
  const get = `GET /v1/messages?limit=20 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`;
  socket.write(get.repeat(5));
  // Writing on shows the end of a connection that nothing is read from.
  const poke = setInterval(() => socket.write('\r\n'), 200);
  await once(socket, 'error');
  clearInterval(poke);
  socket.destroy();
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
});

test('so many requests are under way, and held ones do not count', async () => {
  await using served = await open({ requests: 2, held: 3 });
  const held = [];
  for (let i = 0; i < 3; i++) {
    const { body } = await ask(served, 'POST', '/v1/messages', {
      body: { plan: plan('lab gate'), parameters: { gate: `g${i}` } },
    });
    held.push(ask(served, 'GET', `/v1/messages/${body.msgid}?wait=60`));
    await served.gates.reached(`g${i}`);
  }
  // The last wait may not have arrived yet: what is held is full once another is refused.
  let more = await ask(served, 'GET', '/v1/messages/1?wait=0.001');
  while (more.status === 200) more = await ask(served, 'GET', '/v1/messages/1?wait=0.001');
  assert.deepEqual([more.status, more.body.code], [429, 'COAX_RATE']);
  assert.ok(Number(more.headers.get('retry-after')) >= 1);
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
  // Two that never end their bodies are all that may be under way.
  const halves = await Promise.all([socketTo(served), socketTo(served)]);
  for (const socket of halves)
    socket.write(
      `POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{`,
    );
  let refused = await ask(served, 'GET', '/v1/counts');
  while (refused.status === 200) refused = await ask(served, 'GET', '/v1/counts');
  assert.deepEqual([refused.status, refused.body.code], [429, 'COAX_RATE']);
  for (const socket of halves) socket.destroy();
  while ((await ask(served, 'GET', '/v1/counts')).status !== 200);
  for (let i = 0; i < 3; i++) served.gates.open(`g${i}`);
  for (const answer of await Promise.all(held)) assert.equal(answer.body.status, 'done');
});

test('so many bytes of bodies are under way, and one token has half of them', async () => {
  await using served = await open({ 'bodies-mib': 1, 'submit-kib': 600 });
  const { body: made } = await ask(served, 'POST', '/v1/tokens', {
    body: { name: 'other', role: 'operator', project: 'default' },
  });
  const figure = async (name: string): Promise<number> => {
    const page = await fetch(`${served.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await page.text())?.[1]);
  };
  const underWay = async (bytes: number): Promise<void> => {
    while ((await figure('coax_http_body_bytes')) !== bytes);
  };
  /** Says that so many bytes come, and sends one. */
  const begin = async (token: string, length: string): Promise<Socket> => {
    const socket = await socketTo(served);
    socket.write(
      `POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n${length}\r\n\r\n`,
    );
    return socket;
  };
  const note = (bytes: number) => ({
    text: JSON.stringify({ plan: plan('lab note') }).padEnd(bytes, ' '),
  });
  const KIB = 1024;
  const first = await begin(TOKEN, `content-length: ${500 * KIB}`);
  await underWay(500 * KIB);
  const half = await ask(served, 'POST', '/v1/messages', note(100 * KIB));
  assert.deepEqual([half.status, half.body.code], [429, 'COAX_RATE']);
  assert.ok(Number(half.headers.get('retry-after')) >= 1);
  assert.match(half.body.detail, /bodies of one client .* more than 0\.5 MiB/);
  assert.equal((await ask(served, 'POST', '/v1/messages', note(KIB))).status, 202);
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);

  const other = { token: made.token as string };
  assert.equal((await ask(served, 'POST', '/v1/messages', { ...note(400 * KIB), ...other })).status, 202);
  await underWay(500 * KIB);
  const second = await begin(other.token, `content-length: ${500 * KIB}`);
  await underWay(1000 * KIB);
  const all = await ask(served, 'POST', '/v1/messages', note(100 * KIB));
  assert.deepEqual([all.status, all.body.code], [429, 'COAX_RATE']);
  assert.match(all.body.detail, /all bodies .* more than 1 MiB/);
  // One that does not tell its length counts as the most that may come.
  first.destroy();
  await underWay(500 * KIB);
  const chunked = await begin(TOKEN, 'transfer-encoding: chunked');
  const answer = untilClosed(chunked);
  chunked.end('2\r\n{}\r\n0\r\n\r\n');
  assert.match(await answer, /^HTTP\/1\.1 429 /);
  assert.equal(await figure('coax_http_bodies_refused_total'), 3);

  second.destroy();
  await underWay(0);
  // Alone it is let in.
  assert.equal((await ask(served, 'POST', '/v1/messages', note(600 * KIB))).status, 202);
  await underWay(0);
});
