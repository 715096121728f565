import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BodyBytes } from './body-bytes.ts';

const HEAD = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n';

test('the body of a client that is gone before it is known who it is, is not counted for ever', async t => {
  const server = createServer();
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1', () => client.write(HEAD));
  const [raw, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse];
  const bodies = new BodyBytes(1);
  const request = {
    raw,
    headers: raw.headers,
    routeOptions: { bodyLimit: 5000, config: {} },
  } as unknown as FastifyRequest;
  const take = () => bodies.take(request, { raw: response } as unknown as FastifyReply, 'ann');
  take();
  assert.equal(bodies.underWay, 1000);
  const closed = once(response, 'close');
  client.destroy();
  await closed;
  bodies.ended(response);
  assert.equal(bodies.underWay, 0);
  take();
  assert.equal(bodies.underWay, 0);
});
