import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCoaxError } from '../errors/coax-error.ts';
import { trustedProxies } from './trusted-proxies.ts';

test('addresses and ranges are trusted, others and the Unix socket are not', () => {
  const trusts = trustedProxies(['127.0.0.1', '10.1.0.0/16', 'fd00::/8']);
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '10.1.255.3', 'fd12::1'])
    assert.equal(trusts(address), true, address);
  for (const address of ['127.0.0.2', '10.2.0.1', 'fe80::1', '::1', '', undefined, 'x'])
    assert.equal(trusts(address), false, String(address));
  assert.equal(trustedProxies([])('127.0.0.1'), false);
  const unix = trustedProxies(['unix']);
  assert.deepEqual([unix(''), unix(undefined), unix('127.0.0.1')], [true, true, false]);
  for (const bad of ['', 'localhost', '10.0.0.0/33', '1.2.3', 'fd00::/129', '10.0.0.0/8/8'])
    assert.throws(
      () => trustedProxies([bad]),
      error => isCoaxError(error, 'COAX_USAGE'),
      bad,
    );
});
