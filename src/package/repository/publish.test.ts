/** What a publisher's program does before it signs. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { buildPackage } from '../format/build.ts';
import { type Manifest, manifestBytes } from '../format/manifest.ts';
import { newKeyPem, signingKey } from './keys.ts';
import { makeRoot, makeSnapshot, makeTargets, makeTimestamp, parseMetadata, signed } from './metadata.ts';
import { type PublisherCalls, publishArchives, unpublishPackages } from './publish.ts';
import { targetOf } from './published.ts';
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

test('a version is taken back only when what others need is left', async () => {
  const key = newKey();
  const root = makeRoot({
    version: 1,
    root: { keys: [key], threshold: 1 },
    targets: { keys: [key], threshold: 1 },
    online: key,
    expires: UNTIL,
  });
  const target = (name: string, version: string, dependencies: Record<string, string> = {}) => {
    const manifest: Manifest = {
      ...{ format: 1, name, version, dependencies, architecture: 'any', about: '', health: null, hooks: {} },
      entries: [],
    };
    return [`${name}@${version}.json`, targetOf(manifest, manifestBytes(manifest), 1)] as const;
  };
  const all = [
    target('lib', '1.0.0'),
    target('lib', '1.1.0'),
    target('web', '1.0.0', { lib: '^1.0.0', none: '*' }),
  ];
  const bytes = signed(makeTargets(7, Object.fromEntries(all), UNTIL), [key]);
  const left: string[][] = [];
  const calls = {
    current: async () => ({ root: signed(root, [key]), targets: bytes }),
    publish: async (next: Buffer) => {
      const { version, targets } = parseMetadata('targets', next, 'next').signed;
      left.push([String(version), ...Object.keys(targets)]);
    },
  };
  const unpublish = (
    names: readonly string[],
    more: { force?: boolean; keys?: readonly (typeof key)[] } = {},
  ) =>
    unpublishPackages(
      calls,
      names.map(text => ({ name: text.split('@')[0]!, version: text.split('@')[1]! })),
      { keys: [key], now: Date.now(), ...more },
    );
  await unpublish(['lib@1.0.0']);
  await assert.rejects(unpublish(['lib@1.0.0', 'lib@1.1.0']), { code: 'COAX_PACKAGE_DEPENDENCY' });
  await unpublish(['lib@1.0.0', 'lib@1.1.0'], { force: true });
  await unpublish(['lib@1.0.0', 'lib@1.1.0', 'web@1.0.0']);
  await assert.rejects(unpublish(['lib@2.0.0']), { code: 'COAX_PACKAGE_NOT_FOUND' });
  await assert.rejects(unpublish(['lib@1.0.0'], { keys: [newKey()] }), { code: 'COAX_REPOSITORY_KEY' });
  assert.deepEqual(left, [['8', 'lib@1.1.0.json', 'web@1.0.0.json'], ['8', 'web@1.0.0.json'], ['8']]);
});
