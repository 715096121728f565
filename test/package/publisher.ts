import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Manifest, manifestBytes } from '../../src/package/format/manifest.ts';
import { newKeyPem, type PublicKey, type SigningKey, signingKey } from '../../src/package/repository/keys.ts';
import { makeRoot, makeTargets, parseMetadata, signed } from '../../src/package/repository/metadata.ts';
import { targetOf } from '../../src/package/repository/published.ts';
import type { Repository } from '../../src/package/repository/repository.ts';

export const newKey = (): SigningKey => signingKey(newKeyPem(), 'test');

/** The manifest of a package of some text files. */
function manifestOf(
  version: string,
  files: Readonly<Record<string, string>> = { index: `web ${version}` },
  more: Partial<Manifest> = {},
): Manifest {
  return {
    format: 1,
    name: 'web',
    version,
    architecture: 'any',
    about: 'a test',
    dependencies: {},
    health: null,
    hooks: {},
    entries: Object.entries(files).map(([path, text]) => ({
      path,
      type: 'file' as const,
      mode: '0644' as const,
      size: Buffer.byteLength(text),
      sha256: hash('sha256', text),
    })),
    ...more,
  };
}

/** The keys of people: what a repository's server never has. */
export class Publisher {
  readonly root = newKey();
  readonly targets = newKey();
  readonly #repository: Repository;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  async init(): Promise<void> {
    const expires = Date.now() + 1e10;
    const root = makeRoot({
      version: 1,
      root: { keys: [this.root], threshold: 1 },
      targets: { keys: [this.targets], threshold: 1 },
      online: await this.#repository.onlineKey(),
      expires,
    });
    await this.#repository.init({
      root: signed(root, [this.root]),
      targets: signed(makeTargets(1, {}, expires), [this.targets]),
    });
  }

  /** Brings contents and manifest, not yet published. */
  async bring(version: string, files?: Readonly<Record<string, string>>): Promise<Manifest> {
    const texts = files ?? { index: `web ${version}` };
    for (const text of Object.values(texts))
      await this.#repository.contents.take(hash('sha256', text), Readable.from([Buffer.from(text)]));
    const manifest = manifestOf(version, texts);
    await this.#repository.contents.takeManifest(manifestBytes(manifest), version);
    return manifest;
  }

  /** The next targets: those there are, and these. `by`: the keys that sign. */
  async next(manifests: readonly Manifest[], by: readonly SigningKey[] = [this.targets]): Promise<Buffer> {
    const { targets: at } = (await this.#repository.state())!;
    const current = (await this.#repository.metadata(`${at.version}.targets.json`)) as Buffer;
    const targets = { ...parseMetadata('targets', current, 'targets').signed.targets };
    for (const manifest of manifests)
      targets[`web@${manifest.version}.json`] = targetOf(manifest, manifestBytes(manifest), 1);
    return signed(makeTargets(at.version + 1, targets, Date.now() + 1e10), by);
  }

  /** The next root, with these keys. */
  async nextRoot(
    keys: readonly SigningKey[],
    by: readonly SigningKey[],
    targets = this.targets,
    online?: PublicKey,
  ): Promise<Buffer> {
    const { root } = (await this.#repository.state())!;
    const next = makeRoot({
      version: root.version + 1,
      root: { keys, threshold: 1 },
      targets: { keys: [targets], threshold: 1 },
      online: online ?? (await this.#repository.onlineKey()),
      expires: Date.now() + 1e10,
    });
    return signed(next, by);
  }
}
