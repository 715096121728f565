import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Scrollback } from './scrollback.ts';

test('the last bytes are kept, and read from any place on', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.uint8Array({ maxLength: 100 })),
      fc.nat(300),
      fc.nat(60),
      (size, chunks, from, max) => {
        const past = new Scrollback(size);
        const all = Buffer.concat(chunks);
        for (const chunk of chunks) past.push(Buffer.from(chunk));
        assert.equal(past.total, all.length);
        assert.equal(past.oldest, Math.max(0, all.length - size));
        const { at, bytes } = past.read(from, max);
        assert.equal(at, Math.max(from, past.oldest));
        assert.deepEqual(bytes, all.subarray(at, at + max));
      },
    ),
  );
});
