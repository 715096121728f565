import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, guestRanges, macOf, parseAddress, parseCidr } from './address.ts';

test('an address reads as it was written, and nothing else is one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), address => {
      assert.equal(parseAddress(formatAddress(address)), address);
    }),
  );
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    'a.b.c.d',
    '1.2.3.-4',
    '1e1.2.3.4',
  ]) {
    assert.equal(parseAddress(text), null, text);
  }
});

test('guests get all of a subnet but its own address, the gateway and the broadcast address', () => {
  const ranges = (cidr: string, gateway: string) =>
    guestRanges(cidr, gateway).map(({ low, high }) => `${formatAddress(low)}-${formatAddress(high)}`);
  assert.deepEqual(ranges('10.77.3.0/24', '10.77.3.1'), ['10.77.3.2-10.77.3.254']);
  assert.deepEqual(ranges('10.77.0.0/16', '10.77.255.254'), ['10.77.0.1-10.77.255.253']);
  assert.deepEqual(ranges('10.0.0.0/29', '10.0.0.4'), ['10.0.0.1-10.0.0.3', '10.0.0.5-10.0.0.6']);
  assert.deepEqual(parseCidr('10.77.3.9/24'), parseCidr('10.77.3.0/24'));
  assert.throws(() => parseCidr('10.77.3.0'));
});

test('no two addresses of a subnet share a mac, and it is a locally administered unicast one', () => {
  assert.equal(macOf('52:54:00', parseAddress('10.77.0.11')!), '52:54:00:4d:00:0b');
  const { base, last } = parseCidr('10.78.0.0/20');
  const macs = new Set<string>();
  for (let address = base; address <= last; address++) macs.add(macOf('52:54:00', address));
  assert.equal(macs.size, last - base + 1);
  assert.equal(Number.parseInt([...macs][0]!.slice(0, 2), 16) & 0b11, 0b10);
});
