import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { isCoaxError } from '../../src/errors/coax-error.ts';
import { ask, openServed, TOKEN } from './access-fixture.ts';

const closeOf = (socket: WebSocket) =>
  new Promise<{ code: number; reason: string }>(resolve =>
    socket.addEventListener('close', event => resolve(event)),
  );

test('the serial line is a WebSocket that a one-use ticket opens, and no token stands in its address', async () => {
  await using served = await openServed();
  const { client, services } = served;
  const { msgid } = await client.submit({
    flow: 'create_vm',
    parameters: { cpu: 1, mem: 128, name: 'line' },
  });
  await client.waitFor(msgid, { timeoutMs: 30_000 });
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
  assert.ok(!socket.url.includes(TOKEN) && !socket.url.includes('?'));
  let text = '';
  const echoed = new Promise<void>(resolve =>
    socket.addEventListener('message', ({ data }) => {
      text += Buffer.from(data as ArrayBuffer).toString();
      if (text.includes('login: ')) socket.send('root\n');
      if (text.includes('ROOT')) resolve();
    }),
  );
  await echoed;
  assert.equal(socket.protocol, 'coax.serial');
  const closed = closeOf(socket);
  socket.close();
  await closed;

  const { body } = await ask(served, 'POST', '/v1/vms/line/serial-ticket');
  const address = `${served.url.replace('http', 'ws')}/v1/vms/line/serial`;
  const once = new WebSocket(address, ['coax.serial', body.protocol]);
  await new Promise(resolve => once.addEventListener('open', resolve));
  const again = new WebSocket(address, ['coax.serial', body.protocol]);
  assert.equal((await closeOf(again)).code, 1006, 'a ticket opens once');
  const bare = new WebSocket(address);
  assert.equal((await closeOf(bare)).code, 1006);
  const ended = closeOf(once);
  once.close();
  await ended;
  await new Promise(resolve => line.close(resolve));
  assert.deepEqual(served.logged, []);
});
