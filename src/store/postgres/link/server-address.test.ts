import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServers } from './server-address.ts';

test('one host, several hosts, a socket', () => {
  assert.deepEqual(parseServers('postgres://u:p@h:6000/db?sslmode=require'), [
    { url: 'postgres://u:p@h:6000/db?sslmode=require', where: 'h:6000/db' },
  ]);
  assert.deepEqual(parseServers('postgresql://u@a:5433,b/db'), [
    { url: 'postgresql://u@a:5433/db', where: 'a:5433/db' },
    { url: 'postgresql://u@b/db', where: 'b:5432/db' },
  ]);
  assert.deepEqual(
    parseServers('postgres:///db?host=/run/postgresql').map(({ where }) => where),
    ['/run/postgresql/db'],
  );
});

test('anything else is refused', () => {
  for (const url of ['', 'sqlite:x', 'postgres:/x', 'http://h/db'])
    assert.throws(() => parseServers(url), { code: 'COAX_USAGE' }, url);
});
