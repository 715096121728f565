import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { ask, openServed, TOKEN } from './access-fixture.ts';

const closeOf = (socket: WebSocket) =>
  new Promise<{ code: number; reason: string }>(resolve => {
    socket.on('error', () => {});
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
const statusOf = (socket: WebSocket) =>
  new Promise<number>(resolve => {
    socket.on('error', () => {});
    socket.on('unexpected-response', (request, answer) => {
      request.destroy();
      resolve(answer.statusCode ?? 0);
    });
  });

test('the serial line is a WebSocket that a one-use ticket opens, and no token stands in its address', async () => {
  await using served = await openServed();
  const { client, services } = served;
  const { msgid } = await client.submit({
    flow: 'create_vm',
    parameters: { cpu: 1, mem: 128, name: 'line' },
  });
  await client.waitFor(msgid, { timeoutMs: 180_000 });
  await assert.rejects(
    client.serial('line'),
    error => isCoaxError(error, 'COAX_HYPERVISOR'),
    'a simulated guest has none',
  );
  await assert.rejects(client.serial('nobody'), error => isCoaxError(error, 'COAX_NOT_FOUND'));

  // A line such as QEMU's: a Unix socket, here one that answers in capitals.
  const path = join(served.dataDir, 'serial.sock');
  const line = createServer(socket => {
    socket.write('login: ');
    socket.on('data', chunk => socket.write(chunk.toString().toUpperCase()));
    socket.on('error', () => {});
  }).listen(path);
  await new Promise(resolve => line.once('listening', resolve));
  services.cloud.serialSocket = async () => path;

  const socket = await client.serial('line');
  assert.ok(!socket.url.includes(TOKEN) && !/ticket/.test(socket.url));
  let text = '';
  const echoed = new Promise<void>(resolve =>
    socket.addEventListener('message', ({ data }) => {
      if (typeof data !== 'string') text += Buffer.from(data as ArrayBuffer).toString();
      if (text.includes('login: ')) socket.send('root\n');
      if (text.includes('ROOT')) resolve();
    }),
  );
  await echoed;
  assert.equal(socket.protocol, 'coax.serial');
  const closed = closeOf(socket);
  socket.close();
  await closed;

  const ticket = async (body: object = {}): Promise<string> =>
    (await ask(served, 'POST', '/v1/vms/line/serial-ticket', { body })).body.protocol;
  const address = `${served.url.replace('http', 'ws')}/v1/vms/line/serial`;
  const protocol = await ticket();
  const once = new WebSocket(address, ['coax.serial', protocol]);
  await new Promise(resolve => once.on('open', resolve));
  assert.equal(await statusOf(new WebSocket(address, ['coax.serial', protocol])), 401, 'a ticket opens once');
  assert.equal(await statusOf(new WebSocket(address)), 401);
  assert.equal(await statusOf(new WebSocket(address, { headers: { authorization: 'Bearer wrong' } })), 401);
  const elsewhere = new WebSocket(address, ['coax.serial', await ticket()], {
    origin: 'http://evil.example',
  });
  assert.equal(await statusOf(elsewhere), 403, 'a page of another site');
  const page = new WebSocket(address, ['coax.serial', await ticket()], { origin: served.url });
  await new Promise(resolve => page.on('open', resolve));

  // One that only watches sees what others type, and its own keys go nowhere.
  const reader = new WebSocket(`${address}?scrollback=5`, ['coax.serial', await ticket({ readonly: true })]);
  let seen = '';
  const news: { type: string }[] = [];
  const both = new Promise<void>(resolve =>
    reader.on('message', (data, binary) => {
      if (!binary) return void news.push(JSON.parse(data.toString()));
      seen += data;
      if (seen.includes('TYPED')) resolve();
    }),
  );
  await new Promise(resolve => reader.on('open', resolve));
  reader.send('hidden\n');
  page.send('typed\n');
  await both;
  assert.ok(!seen.includes('HIDDEN'), seen);
  assert.deepEqual(news[0], { type: 'attached', vm: 'line', readonly: true, watchers: 3 });

  const ended = [once, page, reader].map(closeOf);
  await served.restart();
  assert.deepEqual(
    (await Promise.all(ended)).map(({ code }) => code),
    [1012, 1012, 1012],
    'the server says that it restarts',
  );
  await new Promise(resolve => line.close(resolve));
  assert.deepEqual(served.logged, []);
});
