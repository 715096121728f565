import assert from 'node:assert/strict';
import type { lookup as systemLookup } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { CoaxError } from '../errors/coax-error.ts';
import { AddressGuard } from './address-guard.ts';
import { postEvent } from './post-event.ts';

/** Places that a URL can name in many ways, and where a server has no business. */
const REFUSED: readonly string[] = [
  'http://127.0.0.1/', 'http://127.1/', 'http://127.255.255.254/', 'http://2130706433/', 'http://0x7f000001/',
  'http://0x7f.0.0.1/', 'http://0177.0.0.1/', 'http://017700000001/', 'http://127.0.0.1./', 'http://１２７.0.0.1/',
  'http://0.0.0.0/', 'http://0/', 'http://10.0.0.1/', 'http://172.16.0.1/', 'http://172.31.255.255/',
  'http://192.168.1.1/', 'http://169.254.169.254/latest/meta-data/', 'http://0xa9fea9fe/', 'http://2852039166/',
  'http://100.64.0.1/', 'http://100.100.100.200/', 'http://192.0.0.192/', 'http://198.18.0.1/', 'http://224.0.0.1/',
  'http://255.255.255.255/', 'http://240.0.0.1/', 'http://192.0.2.1/', 'http://[::1]/', 'http://[::]/',
  'http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/', 'http://[::ffff:169.254.169.254]/', 'http://[::127.0.0.1]/',
  'http://[::ffff:0:10.0.0.1]/', 'http://[64:ff9b::7f00:1]/', 'http://[64:ff9b:1::1]/', 'http://[fe80::1]/',
  'http://[fc00::1]/', 'http://[fd00:ec2::254]/', 'http://[ff02::1]/', 'http://[2002:7f00:1::]/', 'http://[2001::1]/',
  'http://[2001:db8::1]/', 'http://[100::1]/', 'ftp://example.org/', 'file:///etc/passwd', 'gopher://example.org/',
  'unix:/run/docker.sock', 'javascript:alert(1)', 'http://user@example.org/', 'http://user:pass@example.org/',
  'http://example.org/#a', 'http://', 'example.org', '',
]; // biome-ignore format: a list of URLs
const TAKEN = ['https://example.org/coax', 'http://93.184.215.14:8080/a?b=c', 'https://[2606:2800:21f::1]/'];

const refused = (error: unknown): boolean => error instanceof CoaxError && error.code === 'COAX_WEBHOOK_URL';

for (const url of REFUSED) {
  test(`refuses ${url || 'nothing'}`, () => {
    assert.throws(() => new AddressGuard().url(url), refused);
  });
}

test('takes the public internet, and what the operator allows and no more', () => {
  for (const url of TAKEN) assert.equal(new AddressGuard().url(url).href, new URL(url).href);
  const guard = new AddressGuard(['10.1.0.0/16', 'fd00:1::/32', '127.0.0.1']);
  for (const url of [
    'http://10.1.2.3/',
    'http://[fd00:1::9]/',
    'http://127.0.0.1:99/',
    'http://[::ffff:10.1.0.1]/',
  ])
    guard.url(url);
  for (const url of ['http://10.2.0.1/', 'http://[fd00:2::9]/', 'http://127.0.0.2/', 'http://[::1]/'])
    assert.throws(() => guard.url(url), refused);
});

test('refuses what is no network, by name', () => {
  for (const wrong of ['10.0.0.0/33', 'example.org', '10.0.0/8', '::/129', '10.0.0.0/', '10.0.0.0/x'])
    assert.throws(
      () => new AddressGuard([wrong]),
      error => error instanceof CoaxError && error.code === 'COAX_USAGE' && error.reason.includes(wrong),
    );
});

/** A name that has these addresses at the first look, and those at the next. */
function names(...answers: readonly (readonly string[])[]): typeof systemLookup {
  let asked = 0;
  return ((_name: string, _options: object, callback: (error: null, found: object[]) => void) => {
    const addresses = answers[Math.min(asked++, answers.length - 1)]!;
    callback(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as typeof systemLookup;
}

/** A receiver here that counts who came through. */
async function receiver(): Promise<{ port: number; hits: () => number; close(): void }> {
  let hits = 0;
  const server = createServer((_request, response) => {
    hits += 1;
    response.end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, hits: () => hits, close: () => void server.close() };
}

const EVENT = { id: 'e1', body: '{}', secrets: ['whsec_AAAA'], agent: 'test' };

test('asks about the address that is connected to: a name that changes its mind gets nowhere', async () => {
  const here = await receiver();
  const url = new URL(`http://rebind.example:${here.port}/`);
  const through = async (guard: AddressGuard): Promise<string> =>
    (await postEvent(url, EVENT, guard, 0, 500)).result;
  assert.match(await through(new AddressGuard([], names(['127.0.0.1']))), /^refused: 127\.0\.0\.1/);
  // One good address does not make up for a bad one, in either order.
  assert.match(await through(new AddressGuard([], names(['93.184.215.14', '127.0.0.1']))), /^refused/);
  assert.match(await through(new AddressGuard([], names(['::ffff:127.0.0.1', '93.184.215.14']))), /^refused/);
  assert.match(await through(new AddressGuard([], names(['::1']))), /^refused/);
  // Looked at before, and another when it counts.
  const guard = new AddressGuard([], names(['93.184.215.14'], ['127.0.0.1']));
  guard.lookup('rebind.example', {}, () => {});
  assert.match(await through(guard), /^refused: 127\.0\.0\.1/);
  assert.match(await through(new AddressGuard()), /^(refused|ENOTFOUND|EAI_AGAIN)/);
  assert.match(
    (await postEvent(new URL(`http://localhost:${here.port}/`), EVENT, new AddressGuard(), 0)).result,
    /^refused/,
  );
  assert.equal(here.hits(), 0);
  assert.equal(await through(new AddressGuard(['127.0.0.0/8'], names(['127.0.0.1']))), 'HTTP 200');
  assert.equal(here.hits(), 1);
  here.close();
});
