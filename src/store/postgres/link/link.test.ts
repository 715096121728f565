import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import { openLink } from './link.ts';
import { parseServers } from './server-address.ts';

it('a server that takes the connection and says nothing is unavailable, not a defect', async () => {
  const sockets: Socket[] = [];
  const server = createServer(socket => sockets.push(socket.on('error', () => {})));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    const opening = openLink({
      servers: parseServers(`postgres://coax@127.0.0.1:${port}/coax`),
      application: 'test',
      schema: null,
      answerMs: 1000,
      byIndex: false,
    });
    await assert.rejects(opening, { code: 'COAX_STORE_UNAVAILABLE', where: `127.0.0.1:${port}/coax` });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => server.close(resolve));
  }
});
