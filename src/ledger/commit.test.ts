import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { someHistories } from '../testing/message-history.ts';
import { type CommitBody, commitId, decodeCommit, encodeCommit } from './commit.ts';

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

  it('is encoded as it is, whatever the commit of the same step before it was like', () => {
    const first: CommitBody = {
      parent: null, msgid: 1, seq: 0, mode: 'normal', cursor: 0, step: 'net take', attempt: 1, outcome: 'ok',
      worker: 'w', code: 'c', actor: 'coax', started: 1, finished: 2,
    }; // biome-ignore format: the order of the members
    const others: Partial<CommitBody>[] = [
      { parent: 'p' }, { msgid: 2 }, { seq: 3 }, { mode: 'rollback' }, { cursor: 4 }, { step: null }, { step: 'net "give"' },
      { attempt: 2 }, { outcome: 'failed' }, { worker: null }, { worker: 'é\n' }, { code: null }, { code: 'd' },
      { actor: 'null' }, { actor: '"' }, { started: 5 }, { finished: 6 }, { set: { a: 1 } }, { unset: ['b'] },
      { step: null, actor: 'coax', outcome: 'cancel' }, { step: 'net take', worker: 'null' },
    ]; // biome-ignore format: one line for each kind
    for (const one of others)
      for (const body of [first, { ...first, ...one }, first])
        assert.equal(encodeCommit(body), canonicalize(body));
  });

  it('that is damaged is refused when read', () => {
    for (const text of ['', '{', 'null', '[]', '7', '{"msgid":1}']) {
      assert.throws(() => decodeCommit(commitId(text), text), { code: 'COAX_STORE_CORRUPT' });
    }
  });
});
