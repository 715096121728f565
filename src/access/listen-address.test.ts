import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isCoaxError } from '../errors/coax-error.ts';
import { clearSocket, parseListenAddress } from './listen-address.ts';

const usage = (error: unknown) => isCoaxError(error, 'COAX_USAGE');

test('loopback is allowed, elsewhere only with a proxy that does TLS', () => {
  const tcp = (host: string, port: number) => ({ kind: 'tcp', host, port });
  assert.deepEqual(parseListenAddress('127.0.0.1:7411', false), tcp('127.0.0.1', 7411));
  assert.deepEqual(parseListenAddress('127.8.9.1:0', false), tcp('127.8.9.1', 0));
  assert.deepEqual(parseListenAddress('[::1]:80', false), tcp('::1', 80));
  assert.deepEqual(parseListenAddress('localhost:80', false), tcp('localhost', 80));
  assert.deepEqual(parseListenAddress(':80', false), tcp('127.0.0.1', 80));
  assert.deepEqual(parseListenAddress('unix:/run/coax.sock', false), {
    kind: 'unix',
    path: '/run/coax.sock',
  });
  for (const far of ['0.0.0.0:80', '[::]:80', '10.0.0.1:80', 'example.org:80', '127.0.0.1.example.org:80']) {
    assert.throws(() => parseListenAddress(far, false), usage, far);
    assert.equal(parseListenAddress(far, true).kind, 'tcp');
  }
  for (const bad of [
    '',
    '80',
    '127.0.0.1',
    '127.0.0.1:99999',
    'unix:rel',
    `unix:/${'x'.repeat(120)}`,
    'http://x:1',
    'a b:1',
  ]) {
    assert.throws(() => parseListenAddress(bad, true), usage, bad);
  }
});

test('a socket file is taken over only when nobody listens, and no other file ever', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coax-listen-'));
  try {
    const path = join(folder, 's');
    await clearSocket(path);
    const server = createServer().listen(path);
    await new Promise(resolve => server.once('listening', resolve));
    await assert.rejects(clearSocket(path), usage);
    await new Promise(resolve => server.close(resolve));
    writeFileSync(path, 'precious');
    await assert.rejects(clearSocket(path), usage);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
