import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guestUuid } from './guest-uuid.ts';

test('a step always makes the same guest, and no other step does, here or in another installation', () => {
  assert.equal(guestUuid('a', '141592.2'), guestUuid('a', '141592.2'));
  const uuids = ['141592.2', '141592.3', '141593.2'].flatMap(key => [
    guestUuid('a', key),
    guestUuid('b', key),
  ]);
  assert.equal(new Set(uuids).size, uuids.length);
  // RFC 9562: version 8, variant 10.
  for (const uuid of uuids)
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
