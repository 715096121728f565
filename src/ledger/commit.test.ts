import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { someHistories } from '../testing/message-history.ts';
import { commitId, decodeCommit, encodeCommit } from './commit.ts';

describe('a commit', () => {
  it('is encoded as the canonical JSON (RFC 8785) of its members, and its id is the hash of that', () => {
    fc.assert(
      fc.property(
        someHistories,
        fc.option(fc.string({ unit: 'binary' }), { nil: undefined }),
        ({ commits }, log) => {
          for (const { id, ...body } of commits) {
            const encoded = encodeCommit(body);
            assert.equal(encoded, canonicalize(body));
            assert.equal(id, createHash('sha256').update(encoded).digest('hex'));
            const logged = log === undefined ? body : { ...body, log, actor: log };
            assert.equal(encodeCommit(logged), canonicalize(logged));
            assert.deepEqual(decodeCommit(id, encoded), { ...body, id });
          }
        },
      ),
    );
  });

  it('that is damaged is refused when read', () => {
    for (const text of ['', '{', 'null', '[]', '7', '{"msgid":1}']) {
      assert.throws(() => decodeCommit(commitId(text), text), { code: 'COAX_STORE_CORRUPT' });
    }
  });
});
