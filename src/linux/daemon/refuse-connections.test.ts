import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { beginNoConnections, connectionsQueued } from './refuse-connections.ts';

/** Connects from a thread of its own, since this one accepts as soon as it turns; tells how each attempt ended. */
const CALLER = `
const { parentPort } = require('node:worker_threads');
const { connect } = require('node:net');
parentPort.on('message', ({ host, port }) => {
  const socket = connect(port, host);
  socket.on('connect', () => { socket.write('hello'); parentPort.postMessage('connected'); });
  socket.on('error', error => parentPort.postMessage(error.code));
});`;

const here = (networkInterfaces().lo ?? []).map(({ address }) => address);
for (const host of ['127.0.0.1', '::1'].filter(address => here.includes(address))) {
  test(`connections that have begun are taken, later ones are refused once the socket is closed (${host})`, async () => {
    const heard: Promise<string>[] = [];
    const sockets: Socket[] = [];
    const server = createServer(socket => {
      sockets.push(socket);
      heard.push(once(socket, 'data').then(([bytes]) => String(bytes)));
    });
    server.listen(0, host);
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const caller = new Worker(CALLER, { eval: true });
    try {
      await once(caller, 'online');
      assert.equal(connectionsQueued(fd), 0);
      caller.postMessage({ host, port });
      caller.postMessage({ host, port });
      // Without a turn of the event loop nothing is accepted.
      while (connectionsQueued(fd) < 2);
      beginNoConnections(fd);
      assert.equal(connectionsQueued(fd), 2);
      // The two have answered, and one more tries in vain: it is not queued, whatever it waits.
      const ends: string[] = [];
      const third = new Promise<string>(resolve =>
        caller.on('message', end => ends.push(end) > 2 && resolve(end)),
      );
      caller.postMessage({ host, port });
      while (connectionsQueued(fd) > 0) await new Promise(resolve => setImmediate(resolve));
      server.close();
      assert.equal(await third, 'ECONNREFUSED');
      assert.deepEqual(ends.slice(0, 2), ['connected', 'connected']);
      assert.deepEqual(await Promise.all(heard), ['hello', 'hello']);
    } finally {
      for (const socket of sockets) socket.destroy();
      await caller.terminate();
    }
  });
}

test('a connection that is there goes on', async () => {
  const server = createServer(socket => socket.pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
  beginNoConnections((server as unknown as { _handle: { fd: number } })._handle.fd);
  socket.write('still');
  assert.equal(String((await once(socket, 'data'))[0]), 'still');
  socket.destroy();
  server.close();
  await once(server, 'close');
});
