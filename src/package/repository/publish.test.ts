/** What a publisher's program does before it signs. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { buildPackage } from '../format/build.ts';
import { newKeyPem, signingKey } from './keys.ts';
import { makeRoot, makeSnapshot, makeTargets, makeTimestamp, signed } from './metadata.ts';
import { type PublisherCalls, publishArchives } from './publish.ts';
import type { RepositoryFiles } from './repository-files.ts';
import { TrustedRepository } from './trusted-repository.ts';

const newKey = () => signingKey(newKeyPem(), 'test');
const UNTIL = Date.now() + 1e9;

test('a publisher signs nothing on top of what does not verify', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-publish-'));
  t.after(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'web/files'), { recursive: true });
  writeFileSync(join(dir, 'web/package.yaml'), 'name: web\nversion: 1.0.0\n');
  writeFileSync(join(dir, 'web/files/a'), 'one');
  const { file } = await buildPackage(join(dir, 'web'), dir, null);
  const [root, targets, online, evil] = [newKey(), newKey(), newKey(), newKey()];
  const first = makeRoot({
    version: 1,
    root: { keys: [root], threshold: 1 },
    targets: { keys: [targets], threshold: 1 },
    online,
    expires: UNTIL,
  });
  const place = new Map([['1.root.json', signed(first, [root])]]);
  // Whoever has the server has its key, but not that of the targets.
  const serve = (by: typeof targets): void => {
    const bytes = signed(makeTargets(1, {}, UNTIL), [by]);
    const snapshot = signed(makeSnapshot(1, { version: 1, bytes }, UNTIL), [online]);
    place.set('1.targets.json', bytes).set('1.snapshot.json', snapshot);
    place.set('timestamp.json', signed(makeTimestamp(1, { version: 1, bytes: snapshot }, UNTIL), [online]));
  };
  const files: RepositoryFiles = {
    name: 'server',
    open: async (_, name) => (place.has(name) ? Readable.from([place.get(name) as Buffer]) : null),
  };
  const sent: string[] = [];
  const published: Buffer[] = [];
  const callsAt = (folder: string): PublisherCalls<null> => {
    const trusted = new TrustedRepository({ files, folder: join(dir, folder) });
    return {
      current: () => trusted.current(),
      missing: async hashes => hashes,
      async putContent(sha256, _, bytes) {
        await Array.fromAsync(bytes);
        sent.push(sha256);
      },
      putManifest: async () => {},
      async publish(bytes) {
        published.push(bytes);
        return null;
      },
    };
  };
  const options = { keys: [targets], now: Date.now() };
  serve(evil);
  await assert.rejects(publishArchives(callsAt('a'), [file], options), { code: 'COAX_REPOSITORY_UNTRUSTED' });
  serve(targets);
  const stranger = { ...options, keys: [evil] };
  await assert.rejects(publishArchives(callsAt('b'), [file], stranger), { code: 'COAX_REPOSITORY_KEY' });
  assert.deepEqual([sent, published], [[], []]);
  await publishArchives(callsAt('b'), [file], options);
  assert.deepEqual([sent.length, published.length], [1, 1]);
});
