import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growth } from '../../bench/postgres/growth.ts';

test('under churn with a vacuum now and then, the queue takes no more room than at first, and rows no more bytes', async t => {
  const [first, ...later] = await growth(16_000, 4, { vacuum: true });
  assert.ok(first !== undefined && later.length === 3);
  for (const at of later) {
    t.diagnostic(JSON.stringify(at));
    assert.ok(at.queueIndexes <= 2 * first.queueIndexes, 'pages that were emptied are used again');
    assert.ok(at.perMessage <= 1.5 * first.perMessage);
    assert.ok(at.perCommit <= 1.1 * first.perCommit);
  }
  assert.ok((later.at(-1)?.transitions ?? 0) >= 64_000);
});
