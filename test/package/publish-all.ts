import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../src/client/client.ts';
import { buildPackage } from '../../src/package/format/build.ts';
import { makeRoot, makeTargets, signed } from '../../src/package/repository/metadata.ts';
import { publishArchives } from '../../src/package/repository/publish.ts';
import { TrustedRepository } from '../../src/package/repository/trusted-repository.ts';
import { newKey } from './publisher.ts';

/** Builds a package whose health check fails on these machines: it knows where it is by its own path. */
export async function buildWeb(dir: string, version: string, fails: readonly string[]): Promise<string> {
  const from = join(dir, version);
  mkdirSync(join(from, 'files/bin'), { recursive: true });
  const health = 'health: {command: [bin/check], attempts: 1, timeout: 30s}';
  writeFileSync(join(from, 'package.yaml'), `name: web\nversion: ${version}\n${health}\n`);
  writeFileSync(join(from, 'files/version'), version);
  const cases = fails.map(host => `*/${host}/packages/* | */packages/${host}/*) exit 1 ;;`).join('\n');
  writeFileSync(join(from, 'files/bin/check'), `#!/bin/sh\ncase "$0" in\n${cases}\n*) exit 0 ;;\nesac\n`);
  chmodSync(join(from, 'files/bin/check'), 0o755);
  return (await buildPackage(from, dir, null)).file;
}

/** A repository with these archives, published over HTTP as `coax package publish` does. */
export async function publishAll(client: Client, dir: string, files: readonly string[]): Promise<void> {
  const [root, targets] = [newKey(), newKey()];
  const { packages } = client;
  const expires = Date.now() + 1e10;
  const first = makeRoot({
    version: 1,
    root: { keys: [root], threshold: 1 },
    targets: { keys: [targets], threshold: 1 },
    online: await packages.onlineKey(),
    expires,
  });
  await packages.init({
    root: signed(first, [root]).toString(),
    targets: signed(makeTargets(1, {}, expires), [targets]).toString(),
  });
  const trusted = new TrustedRepository({
    files: { name: client.url, open: (kind, name) => packages.open(kind, name) },
    folder: join(dir, 'trust'),
  });
  const calls = {
    current: () => trusted.current(),
    missing: (hashes: readonly string[]) => packages.missing(hashes),
    putContent: (sha256: string, size: number, bytes: AsyncIterable<Uint8Array>) =>
      packages.putContent(sha256, size, bytes),
    putManifest: (bytes: Uint8Array) => packages.putManifest(bytes),
    publish: (bytes: Uint8Array) => packages.publish(bytes),
  };
  await publishArchives(calls, files, { keys: [targets], now: Date.now() });
}
