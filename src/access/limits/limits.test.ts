import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf } from './gate.ts';
import { LIMITS, limitsOf, parseLimits } from './limits.ts';

test('what is given stands beside what is usual', () => {
  const limits = limitsOf(parseLimits(['token-rate=5', 'requests=10']));
  assert.equal(limits['token-rate'], 5);
  assert.equal(limits.requests, 10);
  assert.equal(limits.held, LIMITS.held.usual);
});

test('a wrong limit is refused with what it may be', () => {
  assert.throws(() => parseLimits(['constructor=5']), /COAX_USAGE: there is no limit "constructor"/);
  assert.throws(() => parseLimits(['token-rat=5']), /COAX_USAGE: there is no limit "token-rat".*token-rate/);
  for (const text of ['headers=5', 'headers=many', 'headers', 'headers=1e2', 'headers=-1'])
    assert.throws(() => parseLimits([text]), /headers is a whole number from 10 to 2000/);
});

test('every usual value may be given', () => {
  for (const [name, { usual }] of Object.entries(LIMITS)) parseLimits([`${name}=${usual}`]);
});

test('the page for operators names every limit as it is', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/how-to/limits.md'), 'utf8');
  for (const [name, { usual, about }] of Object.entries(LIMITS))
    assert.ok(page.includes(`| \`${name}\` | ${usual} | ${about} |`), name);
});

test('one client is an IPv4 address, or the first half of an IPv6 one', () => {
  assert.equal(addressOf('192.0.2.1'), '192.0.2.1');
  assert.equal(addressOf('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(addressOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(addressOf('2001:db8:0001:2::9'), '2001:db8:1:2::/64');
  assert.equal(addressOf('2001:db8::9'), '2001:db8:0:0::/64');
  assert.equal(addressOf('::1'), '0:0:0:0::/64');
  assert.equal(addressOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(addressOf(undefined), 'the local socket');
});
