/** Requests that no ordinary client sends, byte by byte: each is answered as any other, and the server goes on. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { ask, openServed, plan, type Served, TOKEN } from '../system/access-fixture.ts';

let served: Served;
before(async () => {
  served = await openServed();
});
after(async () => {
  await served[Symbol.asyncDispose]();
});

/** The answer to that, whose head asks for the connection's end or makes the server end it. */
async function answerTo(
  ...lines: readonly string[]
): Promise<{ status: number; type: string; body: string }> {
  const socket = connect(Number(new URL(served.url).port), '127.0.0.1');
  socket.write(Buffer.from(lines.join('\r\n'), 'latin1'));
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const type = /^content-type: *(\S+?)(?:;|$)/im.exec(head)?.[1] ?? '';
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), type, body };
}

const GOOD = `authorization: Bearer ${TOKEN}`;
const LAST = 'connection: close';

test('an offer to go on in another protocol is not heeded: clients that would rather have h2c are answered', async () => {
  for (const offer of ['h2c', 'TLS/1.2', 'h2c, websocket', '']) {
    const head = ['GET /livez HTTP/1.1', 'host: x', 'connection: Upgrade, HTTP2-Settings, close'];
    const { status, body } = await answerTo(...head, `upgrade: ${offer}`, 'http2-settings: AAMAAABk', '', '');
    assert.equal(status, 200, offer);
    assert.match(body, /"ok":true/, offer);
  }
});

test('what Node would refuse by itself is refused with a problem', async () => {
  const refused: readonly [status: number, ...lines: string[]][] = [
    [400, 'GET /v1/counts HTTP/1.1', GOOD, LAST, '', ''],
    [400, 'GET /v1/counts HTTP/1.1', 'host: x', 'Host: y', GOOD, LAST, '', ''],
    [400, 'GET /v1/counts HTTP/1.0', 'host: x', 'host: x', GOOD, LAST, '', ''],
    [417, 'POST /v1/messages HTTP/1.1', 'host: x', GOOD, 'expect: a-sign', 'content-length: 2', '', '{}'],
    [400, 'POST /v1/messages HTTP/1.1', 'host: x', GOOD, 'content-length: 2', 'content-length: 3', '', '{}'],
    [
      400,
      'POST /v1/messages HTTP/1.1',
      'host: x',
      GOOD,
      'content-length: 5',
      'transfer-encoding: chunked',
      '',
      '0',
      '',
      'GET /v1/counts HTTP/1.1',
      '',
      '',
    ],
    [400, 'GET /v1/counts HTTP/1.1', 'host: x', `authorization : Bearer ${TOKEN}`, '', ''],
    [400, 'GET /v1/counts HTTP/1.1', 'host: x', 'authorization: Bearer', ` ${TOKEN}`, '', ''],
    [400, '\x16\x03\x01\x02', '', ''],
  ];
  for (const [status, ...lines] of refused) {
    const answer = await answerTo(...lines);
    assert.deepEqual([answer.status, answer.type], [status, 'application/problem+json'], lines.join(' | '));
    const problem = JSON.parse(answer.body);
    assert.equal(problem.status, status);
    assert.match(problem.type, /^\/errors\/COAX_/);
  }
  assert.equal((await ask(served, 'GET', '/v1/counts')).status, 200);
});

test('HTTP/1.0 needs no Host', async () => {
  assert.equal((await answerTo('GET /livez HTTP/1.0', '', '')).status, 200);
});

test('a body that is not UTF-8 is refused, not changed', async () => {
  const send = async (value: string) => {
    const body = `{"plan":${JSON.stringify(plan('lab note'))},"parameters":{"note":"${value}"}}`;
    const head = ['POST /v1/messages HTTP/1.1', 'host: x', GOOD, LAST, 'content-type: application/json'];
    return answerTo(...head, `content-length: ${body.length}`, '', body);
  };
  // Bytes, each written as one character.
  for (const bad of ['\xff', '\xc3', '\xed\xa0\x80', '\xc0\xaf']) {
    const { status, body } = await send(bad);
    assert.equal(status, 400);
    assert.match(JSON.parse(body).detail, /UTF-8/);
  }
  const good = await send(Buffer.from('é\ufffd值').toString('latin1'));
  assert.equal(good.status, 202);
  const { msgid } = JSON.parse(good.body);
  assert.equal((await ask(served, 'GET', `/v1/messages/${msgid}`)).body.parameters.note, 'é\ufffd值');
});

test('a number in a path or a query is written in digits', async () => {
  for (const query of [
    'limit=',
    'limit=0x10',
    'limit=1e1',
    'limit=%201',
    'limit=1.5',
    'limit=-1',
    'limit=99999999999',
  ])
    assert.equal((await ask(served, 'GET', `/v1/messages?${query}`)).status, 400, query);
  for (const msgid of ['0x1', '1e0', '1.0', '%201', '-1', '99999999999999999999'])
    assert.equal((await ask(served, 'GET', `/v1/messages/${msgid}`)).status, 400, msgid);
  for (const wait of ['', '1e1', '0x1', '-1', '601'])
    assert.equal((await ask(served, 'GET', `/v1/messages/1?wait=${wait}`)).status, 400, wait);
});

test('a project that never was is not shown as an empty one, also to who may see all', async () => {
  for (const path of [
    '/v1/messages',
    '/v1/counts',
    '/v1/vms',
    '/v1/vm-use',
    '/v1/reservations',
    '/v1/webhooks',
    '/v1/tokens',
    '/v1/accounts',
    '/v1/roles',
    '/v1/export',
  ]) {
    const { status, body } = await ask(served, 'GET', `${path}?project=nowhere`);
    assert.deepEqual([status, body.code, body.where], [404, 'COAX_NOT_FOUND', '/project'], path);
    assert.equal((await ask(served, 'GET', `${path}?project=default`)).status, 200, path);
  }
  const body = { verb: 'cancel', flow: 'create_vm', project: 'nowhere' };
  assert.equal((await ask(served, 'POST', '/v1/decisions', { body })).status, 404);
  // What was removed still has its history.
  await served.client.access.createProject({ name: 'past' });
  await served.client.access.removeProject('past');
  assert.equal((await ask(served, 'GET', '/v1/messages?project=past')).status, 200);
});

test('a method that a path does not take is told which it takes, before a body is read and to anyone', async () => {
  const asked = (method: string, path: string, init: RequestInit = {}) =>
    fetch(served.url + path, { method, ...init });
  for (const [method, path, allow] of [
    ['DELETE', '/v1/messages', 'GET, HEAD, OPTIONS, POST'],
    ['GET', '/v1/messages/1/cancel', 'OPTIONS, POST'],
    ['PATCH', '/v1/vms/a%2Fb', 'GET, HEAD, OPTIONS'],
    ['PUT', '/livez?x=1', 'GET, HEAD, OPTIONS'],
    ['POST', '/errors/COAX_USAGE', 'GET, HEAD, OPTIONS'],
  ] as const) {
    const answer = await asked(method, path, method === 'GET' ? {} : { body: '{"not json' });
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, allow], `${method} ${path}`);
    assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
    const problem = (await answer.json()) as { code: string; type: string; status: number };
    assert.deepEqual([problem.code, problem.status], ['COAX_METHOD_NOT_ALLOWED', 405]);
    assert.equal((await fetch(served.url + problem.type)).status, 200);
    const options = await asked('OPTIONS', path, { headers: { origin: 'https://elsewhere.example' } });
    assert.deepEqual([options.status, options.headers.get('allow')], [204, allow]);
    assert.equal(options.headers.get('access-control-allow-origin'), null, 'no page of elsewhere is let in');
  }
  const head = await asked('HEAD', '/v1/messages/1/cancel');
  assert.deepEqual([head.status, await head.text()], [405, '']);
  for (const [method, path] of [
    ['OPTIONS', '/v1/nothing'],
    ['POST', '/nothing'],
    ['DELETE', '/v1/messages/'],
  ] as const)
    assert.equal((await asked(method, path)).status, 404, `${method} ${path}`);
  const { status } = await answerTo('OPTIONS * HTTP/1.1', 'host: x', LAST, '', '');
  assert.equal(status, 204, 'the server as a whole');
});

test('a name that an object has twice is refused by its name: who reads the first sees another request than who reads the last', async () => {
  for (const [text, name, where] of [
    ['{"flow":"plan_one","flow":"plan_two"}', 'flow', '/flow'],
    ['{"flow":"x","parameters":{"a":[{"n":1,"\\u006e":2}]}}', 'n', '/parameters/a/0/n'],
  ] as const) {
    const { status, body } = await ask(served, 'POST', '/v1/messages', { text });
    assert.deepEqual([status, body.code, body.where], [400, 'COAX_MESSAGE_INVALID', where]);
    assert.ok(body.detail.includes(`two members named "${name}"`), body.detail);
  }
});
