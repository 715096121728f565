import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { isCoaxError } from '../errors/coax-error.ts';
import { type TokenSource, Transport } from './transport.ts';

/** Tokens token-1, token-2, …: each `after` of the newest one makes another. */
class Numbered implements TokenSource {
  made = 1;

  async current(): Promise<string> {
    return `token-${this.made}`;
  }

  async after(refused: string): Promise<string> {
    if (refused === `token-${this.made}`) this.made += 1;
    return this.current();
  }
}

async function withServer(good: string, run: (url: string, seen: string[]) => Promise<void>): Promise<void> {
  const seen: string[] = [];
  const server = createServer(async (request, answer) => {
    let body = '';
    for await (const piece of request) body += piece;
    seen.push(`${request.headers.authorization} ${body}`);
    if (request.headers.authorization === `Bearer ${good}`) return answer.end('{"ok":true}');
    return answer.writeHead(401, { 'content-type': 'application/problem+json' }).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a token that is refused is followed by the next one, and the request is sent again as it was', async () => {
  await withServer('token-2', async (url, seen) => {
    const transport = new Transport({ url, token: new Numbered() });
    const answer = await transport.json({ method: 'POST', path: '/v1/x', body: { a: 1 } });
    assert.deepEqual(answer, { ok: true });
    assert.deepEqual(seen, ['Bearer token-1 {"a":1}', 'Bearer token-2 {"a":1}']);
    transport.close();
  });
});

test('a source whose tokens are all refused is not asked for ever', async () => {
  await withServer('never', async (url, seen) => {
    const transport = new Transport({ url, token: new Numbered() });
    await assert.rejects(transport.json({ method: 'GET', path: '/v1/x' }), isCoaxError);
    assert.equal(seen.length, 2);
    transport.close();
  });
});

test('a fixed token that is refused is not sent again', async () => {
  await withServer('token-2', async (url, seen) => {
    const transport = new Transport({ url, token: 'token-1' });
    await assert.rejects(transport.json({ method: 'GET', path: '/v1/x' }), isCoaxError);
    assert.deepEqual(seen, ['Bearer token-1 ']);
    transport.close();
  });
});

test('TLS where none is spoken is told in plain words', async () => {
  await withServer('token', async url => {
    const transport = new Transport({ url: url.replace('http', 'https'), token: 'token' });
    await assert.rejects(
      transport.json({ method: 'GET', path: '/v1/x' }),
      (error: Error & { hint?: string }) =>
        isCoaxError(error, 'COAX_SERVER_UNREACHABLE') &&
        /speaks no TLS/.test(error.message) &&
        error.hint!.includes(url),
    );
    transport.close();
  });
});
