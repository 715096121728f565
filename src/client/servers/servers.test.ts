import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { isCoaxError } from '../../errors/coax-error.ts';
import { Transport } from '../transport.ts';
import { parseServers, Servers } from './servers.ts';

interface Heard {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
}

type Answer = (request: IncomingMessage, answer: ServerResponse) => void;

const ok: Answer = (_, answer) => answer.end('{"ok":true}');
const problem =
  (status: number, code: string): Answer =>
  (_, answer) =>
    answer
      .writeHead(status, { 'content-type': 'application/problem+json' })
      .end(JSON.stringify({ code, detail: code }));
/** Takes the request, and dies before it answers. */
const dies: Answer = request => request.socket.destroy();

/** Real servers that answer as they are told to. */
async function withServers(
  answers: readonly Answer[],
  run: (urls: string[], heard: Heard[][]) => Promise<void>,
): Promise<void> {
  const heard: Heard[][] = answers.map(() => []);
  const servers = answers.map((respond, index) =>
    createServer(async (request, answer) => {
      for await (const _ of request);
      heard[index]!.push({
        method: request.method!,
        path: request.url!,
        key: request.headers['idempotency-key'] as string | undefined,
      });
      respond(request, answer);
    }),
  );
  await Promise.all(servers.map(server => new Promise<void>(done => server.listen(0, '127.0.0.1', done))));
  try {
    await run(
      servers.map(server => `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      heard,
    );
  } finally {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

/** Nobody listens there. */
const dead = 'http://127.0.0.1:1';
const GET = { method: 'GET', path: '/v1/x' } as const;
const POST = { method: 'POST', path: '/v1/x', body: {} } as const;

test('a list of addresses is read, and what is none of them is named', () => {
  const urls = (text: string) => parseServers(text, '--url').map(({ url }) => url);
  assert.deepEqual(urls('http://a:1/, https://b/x,http://a:1'), ['http://a:1', 'https://b/x']);
  assert.deepEqual(urls('unix:/run/c.sock,http://[::1]:7'), ['unix:/run/c.sock', 'http://[::1]:7']);
  for (const wrong of ['', 'http://a,', 'http://a,b:1', 'ftp://a', 'unix:', 'http://a:x'])
    assert.throws(() => urls(wrong), { code: 'COAX_USAGE', where: '--url' }, wrong);
});

test('who leaves a server goes to one that was not tried; who leaves another one stays', () => {
  const servers = new Servers('http://a,http://b,http://c', 'any', () => 0);
  const [a, b, c] = servers.all;
  const left: unknown[] = [];
  servers.onLeave(server => left.push(server));
  servers.leave(c!);
  assert.equal(servers.current, a);
  servers.leave(a!, new Set([a!, b!]));
  assert.equal(servers.current, c);
  servers.leave(c!, new Set([a!, b!, c!]));
  assert.equal(servers.current, a);
  assert.deepEqual(left, [a, c]);
});

test('the next server is asked when one is gone, and again the one that answered', async () => {
  await withServers([ok], async ([alive], [heard]) => {
    const transport = new Transport({ url: `${dead},${alive}`, token: '' });
    assert.deepEqual(await transport.json(POST), { ok: true });
    assert.equal(transport.url, alive);
    assert.deepEqual(await transport.json(GET), { ok: true });
    assert.deepEqual(
      heard!.map(({ method }) => method),
      ['POST', 'GET'],
    );
    transport.close();
  });
});

for (const [what, code, status] of [
  ['takes nothing', 'COAX_NOT_READY', 503],
  ['has lost its store', 'COAX_STORE_UNAVAILABLE', 503],
] as const)
  test(`the next server is asked when one ${what}`, async () => {
    await withServers([problem(status, code), ok], async (urls, heard) => {
      const transport = new Transport({ url: urls.join(), token: '' });
      assert.deepEqual(await transport.json(POST), { ok: true });
      assert.deepEqual(
        heard.map(one => one.length),
        [1, 1],
      );
      transport.close();
    });
  });

test('a server that dies with a request under way: the other is sent the same request, known by its key', async () => {
  await withServers([dies, ok], async (urls, heard) => {
    const transport = new Transport({ url: urls.join(), token: '' });
    assert.deepEqual(await transport.json(POST), { ok: true });
    const [first, second] = heard.map(one => one[0]);
    assert.match(first!.key!, /^[0-9a-f-]{36}$/);
    assert.deepEqual(second, first);
    transport.close();
  });
});

test('an answer that breaks off is asked for again elsewhere', async () => {
  const half: Answer = (_, answer) => {
    answer.writeHead(200, { 'content-length': '100' });
    answer.write('{"ok"', () => answer.destroy());
  };
  await withServers([half, ok], async urls => {
    const transport = new Transport({ url: urls.join(), token: '' });
    assert.deepEqual(await transport.json(GET), { ok: true });
    transport.close();
  });
});

test('when the key is taken by the request that was under way, it says that nobody knows whether it was done', async () => {
  await withServers([dies, problem(409, 'COAX_IDEMPOTENCY_CONFLICT')], async urls => {
    const transport = new Transport({ url: urls.join(), token: '' });
    await assert.rejects(
      transport.json(POST),
      (error: Error & { where?: string; hint?: string }) =>
        isCoaxError(error, 'COAX_SERVER_UNREACHABLE') &&
        error.where === urls[0] &&
        /not known/.test(error.hint ?? ''),
    );
    transport.close();
  });
});

test('bytes that are read once go to a server that answers, and are not sent again', async () => {
  const upload = () => ({
    size: 3,
    bytes: (async function* () {
      yield Buffer.from('abc');
    })(),
  });
  await withServers([ok], async ([alive], [heard]) => {
    const transport = new Transport({ url: `${dead},${alive}`, token: '' });
    await transport.json({ method: 'PUT', path: '/v1/f', upload: upload() });
    assert.deepEqual(
      heard!.map(({ path }) => path),
      ['/readyz', '/v1/f'],
    );
    transport.close();
  });
  const diesOfPut: Answer = (request, answer) => (request.method === 'PUT' ? dies : ok)(request, answer);
  await withServers([diesOfPut, ok], async (urls, heard) => {
    const transport = new Transport({ url: urls.join(), token: '' });
    await assert.rejects(transport.json({ method: 'PUT', path: '/v1/f', upload: upload() }), {
      code: 'COAX_SERVER_UNREACHABLE',
    });
    assert.deepEqual(heard[1], []);
    transport.close();
  });
});

test('when none answers, every address is named with its reason', async () => {
  await withServers([problem(503, 'COAX_NOT_READY')], async ([draining]) => {
    const transport = new Transport({ url: `${dead},${draining}`, token: '' });
    await assert.rejects(transport.json(GET), (error: unknown) => {
      assert.ok(isCoaxError(error, 'COAX_SERVER_UNREACHABLE'));
      assert.deepEqual(error.faults, [
        { where: dead, reason: 'no server answers there' },
        { where: draining, reason: 'COAX_NOT_READY' },
      ]);
      return true;
    });
    transport.close();
  });
});

test('what a server holds is given up as soon as others find that it does not answer', async () => {
  const holds: Answer = (request, answer) => {
    if (request.url === '/v1/hold') held.resolve();
    else dies(request, answer);
  };
  const held = Promise.withResolvers<void>();
  await withServers([holds, ok], async (urls, heard) => {
    const servers = new Servers(urls.join());
    const [one, other] = [1, 2].map(() => new Transport({ url: servers, token: '' })) as [
      Transport,
      Transport,
    ];
    const claim = one.json({ ...POST, path: '/v1/hold', repeatable: true, held: true, idleMs: 0 });
    await held.promise;
    assert.deepEqual(await other.json(GET), { ok: true });
    assert.deepEqual(await claim, { ok: true });
    assert.ok(heard[1]!.some(({ path }) => path === '/v1/hold'));
    one.close();
    other.close();
  });
});
