/** The real nginx before two servers on one PostgreSQL, by the configuration that is shipped. */
import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { ask, NginxWorld } from './nginx-fixture.ts';

const world = new NginxWorld();
before(() => world.open());
after(() => world.close());

const problemOf = (body: string) => JSON.parse(body) as { code: string; status: number };
const variable = (body: string, name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(body)?.[1];

test('TLS, and HTTP/2', async () => {
  const session = connectHttp2(world.url, { ca: world.cert });
  const stream = session.request({ ':path': '/readyz' });
  const [headers, body] = await new Promise<[Record<string, unknown>, string]>((resolve, reject) => {
    let text = '';
    let got: Record<string, unknown> = {};
    stream.on('response', given => {
      got = given;
    });
    stream.on('data', piece => {
      text += piece;
    });
    stream.on('end', () => resolve([got, text]));
    stream.on('error', reject);
  });
  assert.equal(session.alpnProtocol, 'h2');
  assert.equal(headers[':status'], 200);
  assert.equal(headers['strict-transport-security'], 'max-age=31536000');
  assert.equal(JSON.parse(body).ok, true);
  session.close();
  assert.equal((await ask(world.url.replace('https:', 'http:')).catch(error => error)).status, 400);
});

test('events arrive while their stream is open; a wait is held until the message rests', async () => {
  const client = world.client();
  const stop = new AbortController();
  const { msgid } = await client.submit({ flow: 'long' });
  const times: number[] = [];
  for await (const event of client.events({ msgid, signal: stop.signal })) {
    assert.equal(event.type, 'commit');
    times.push(times.length);
    // The message is still under way: these were not kept back until the stream's end.
    if (times.length === 3) break;
  }
  assert.equal((await client.message(msgid)).status === 'done', false);
  stop.abort();
  const rested = await client.submit({ flow: 'note', parameters: { n: 0 } }, { waitMs: 30_000 });
  assert.equal(rested.status, 'done');
  await client.cancel(msgid);
  client.close();
});

test('the serial line’s WebSocket is let through', async () => {
  const client = world.client();
  const made = await client.submit(
    { flow: 'create_vm', parameters: { cpu: 1, mem: 128, name: 'web' } },
    { waitMs: 60_000 },
  );
  assert.equal(made.status, 'done');
  const socket = connectTls({ port: world.port, host: '127.0.0.1', ca: world.cert });
  socket.write(
    `GET /v1/vms/web/serial HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${world.token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  let got = Buffer.alloc(0);
  socket.on('data', (piece: Buffer) => {
    got = Buffer.concat([got, piece]);
  });
  while (!got.includes('serial line')) await new Promise(resolve => setTimeout(resolve, 10));
  socket.destroy();
  assert.match(got.toString('latin1'), /^HTTP\/1\.1 101 Switching Protocols/);
  // RFC 6455, 1.3: the accept key of that nonce. Then a frame of ours: a simulated VM has no serial line.
  assert.match(got.toString('latin1'), /s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i);
  assert.match(got.toString('latin1'), /web has no serial line now/);
  client.close();
});

test('a body that is too large is refused, with a problem of ours', async () => {
  const answer = await world.ask('/v1/messages', { body: Buffer.alloc(18 * 1024 * 1024, ' ') });
  assert.equal(answer.status, 413);
  assert.equal(problemOf(answer.body).code, 'COAX_MESSAGE_TOO_LARGE');
  // Coax itself takes less at most places, and its own answer arrives.
  const ours = await world.ask('/v1/lint', { body: Buffer.alloc(8 * 1024 * 1024, ' ') });
  assert.deepEqual([ours.status, problemOf(ours.body).code], [413, 'COAX_MESSAGE_TOO_LARGE']);
  assert.match(ours.body, /the body is too large/);
  const upload = await world.ask('/cgi-bin/upload.py', { body: Buffer.alloc(20 * 1024 * 1024, 'x') });
  assert.equal(JSON.parse(upload.body).bytes, 20 * 1024 * 1024);
});

test('the client’s address is known, and nobody can claim another one', async () => {
  const headers = { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'ftp' };
  const { body } = await world.ask('/cgi-bin/variables.pl', { from: '127.0.0.2', headers });
  assert.equal(variable(body, 'REMOTE_ADDR'), '127.0.0.2');
  assert.equal(variable(body, 'HTTPS'), 'on');
  assert.equal(variable(body, 'SERVER_NAME'), '127.0.0.1');
  assert.equal(variable(body, 'SERVER_PORT'), String(world.port));
  // Past nginx: only the proxy's own address is believed.
  const direct = `${world.servers[0]!.url}/cgi-bin/variables.pl`;
  const stranger = await ask(direct, { from: '127.0.0.3', headers });
  assert.equal(variable(stranger.body, 'REMOTE_ADDR'), '127.0.0.3');
  assert.equal(variable(stranger.body, 'HTTPS'), undefined);
});

test('what a client calls its request is its name in the answer, if it is a name', async () => {
  const idOf = async (given: string) => {
    const { headers } = await world.ask('/v1/flows', { headers: { 'x-request-id': given } });
    return String(headers['x-request-id']);
  };
  assert.equal(await idOf('order-17.a_B'), 'order-17.a_B');
  for (const given of ['a b', 'x'.repeat(65), '<b>'])
    assert.match(await idOf(given), /^[0-9a-f]{32}$/, given);
});

test('who asks too fast is told to wait, others are not', async () => {
  // A slow machine does not make 200 connections with TLS in a second: the rate is lower, the burst is the shipped one.
  await world.startNginx(1);
  const flood = await Promise.all(
    Array.from({ length: 700 }, () => ask(`${world.url}/livez`, { from: '127.0.0.4' })),
  );
  const refused = flood.filter(({ status }) => status === 429);
  assert.equal(refused.length > 0 && refused.length < 700, true, String(refused.length));
  assert.equal(refused[0]!.headers['retry-after'], '1');
  assert.equal(problemOf(refused[0]!.body).code, 'COAX_RATE');
  assert.equal(
    flood.every(({ status }) => status === 429 || status === 200),
    true,
  );
  assert.equal((await world.ask('/v1/flows', { from: '127.0.0.5' })).status, 200);
  await world.startNginx();
});

test('a server that is killed is not noticed; when none is left, a problem says so', async () => {
  await world.servers[0]!.stop('SIGKILL');
  for (let n = 1; n <= 20; n++) {
    assert.equal((await world.ask('/v1/flows')).status, 200);
    const body = JSON.stringify({ flow: 'note', parameters: { n } });
    const answer = await world.ask('/v1/messages', { body, headers: { 'idempotency-key': `killed-${n}` } });
    assert.equal(answer.status < 300, true, answer.body);
  }
  await world.servers[1]!.stop('SIGKILL');
  const answer = await world.ask('/v1/flows');
  assert.deepEqual([answer.status, problemOf(answer.body).code], [503, 'COAX_NOT_READY'], answer.body);
  assert.equal(answer.headers['retry-after'], '1');
  for (const server of world.servers) await server.start();
  for (;;) if ((await world.ask('/v1/flows')).status === 200) break;
});
