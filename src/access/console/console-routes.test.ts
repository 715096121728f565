import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Fastify from 'fastify';
import type { App } from '../app.ts';
import { CONSOLE_PATHS, consoleRoutes } from './console-routes.ts';

const dir = mkdtempSync(join(tmpdir(), 'coax-console-'));
after(() => rmSync(dir, { recursive: true }));

async function serve(folder: string): Promise<App> {
  const app = Fastify() as unknown as App;
  await consoleRoutes(app, folder);
  await app.ready();
  return app;
}

function build(): string {
  const folder = mkdtempSync(join(dir, 'dist-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(
    join(folder, 'index.html'),
    '<!doctype html><script type="module" src="/assets/a-1.js"></script>',
  );
  writeFileSync(join(folder, 'assets/a-1.js'), 'export {};');
  writeFileSync(join(folder, 'assets/a-1.js.br'), 'compressed');
  writeFileSync(join(folder, 'assets/.hidden'), 'secret');
  return folder;
}

test('every page is one document, asked for anew by its tag, that runs nothing inline', async () => {
  const app = await serve(build());
  for (const path of CONSOLE_PATHS) {
    const url = path.replace(/:\w+/, '7');
    const page = await app.inject(url);
    assert.equal(page.statusCode, 200, url);
    assert.match(String(page.headers['content-type']), /^text\/html/);
    assert.equal(page.headers['cache-control'], 'no-cache');
    const policy = String(page.headers['content-security-policy']);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    const again = await app.inject({ url, headers: { 'if-none-match': String(page.headers.etag) } });
    assert.equal(again.statusCode, 304, url);
    assert.equal(again.body, '');
  }
  assert.equal((await app.inject('/v1/nothing')).statusCode, 404);
  assert.equal((await app.inject({ url: '/', method: 'POST' })).statusCode, 404);
});

test('a person at an address that is none gets the page, which says so; a program gets what the API says', async () => {
  const app = await serve(build());
  const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
  const lost = await app.inject({ url: '/nowhere/at/all?x=1', headers: browser });
  assert.equal(lost.statusCode, 404);
  assert.match(lost.body, /^<!doctype html>/);
  assert.match(String(lost.headers['content-security-policy']), /default-src 'none'/);
  for (const [url, headers] of [
    ['/nowhere', {}],
    ['/nowhere', { accept: 'application/json' }],
    ['/v1/nothing', browser],
    ['/assets/nothing.js', browser],
  ] as const) {
    const answer = await app.inject({ url, headers });
    assert.equal(answer.statusCode, 404, url);
    assert.doesNotMatch(answer.body, /doctype/, url);
  }
  assert.equal(
    (await (await serve(join(dir, 'empty'))).inject({ url: '/nowhere', headers: browser })).statusCode,
    404,
  );
});

test('files with a hash in their name are kept for ever, and come compressed to who takes it', async () => {
  const app = await serve(build());
  const plain = await app.inject('/assets/a-1.js');
  assert.equal(plain.body, 'export {};');
  assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable');
  const small = await app.inject({ url: '/assets/a-1.js', headers: { 'accept-encoding': 'gzip, br' } });
  assert.equal(small.headers['content-encoding'], 'br');
  assert.equal(small.body, 'compressed');
});

test('nothing but what was built is given out', async () => {
  const app = await serve(build());
  for (const url of [
    '/assets/../index.html',
    '/assets/%2e%2e/index.html',
    '/assets/..%2findex.html',
    '/assets/%2e%2e%2f%2e%2e%2fetc/passwd',
    '/assets/..%5c..%5ctoken',
    '/assets/%00',
    '/assets/.hidden',
    '/assets/nothing.js',
    `/assets/${'a'.repeat(5000)}`,
    '/assets/',
  ]) {
    const answer = await app.inject(url);
    assert.equal(answer.statusCode, 404, url);
    assert.match(String(answer.headers['content-type']), /json/, url);
    assert.doesNotMatch(answer.body, /secret|doctype|root:/, url);
  }
});

test('what is asked of a file and cannot be is no defect of the server', async () => {
  const app = await serve(build());
  const refused = async (headers: Record<string, string>) => {
    const { statusCode, body } = await app.inject({ url: '/assets/a-1.js', headers });
    return [statusCode, JSON.parse(body).code];
  };
  assert.deepEqual(await refused({ range: 'bytes=9999-' }), [416, 'COAX_MESSAGE_INVALID']);
  assert.deepEqual(await refused({ 'if-match': '"other"' }), [412, 'COAX_CHANGED']);
});

test('where nothing is built the page says what to do, until it is', async () => {
  const folder = mkdtempSync(join(dir, 'dist-'));
  const app = await serve(folder);
  const page = await app.inject('/');
  assert.equal(page.statusCode, 503);
  assert.match(page.body, /npm run build/);
  assert.equal((await app.inject('/assets/a-1.js')).statusCode, 404);
  writeFileSync(join(folder, 'index.html'), '<!doctype html>built');
  assert.match((await app.inject('/')).body, /html>built/);
  writeFileSync(join(folder, 'index.html'), '<!doctype html>built anew');
  utimesSync(join(folder, 'index.html'), 1, 1);
  assert.match((await app.inject('/')).body, /built anew/);
});
