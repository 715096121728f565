/** What a reader of a repository believes, and every way in which a mirror may lie to it. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { zstdCompressSync } from 'node:zlib';
import { isCoaxError } from '../../errors/coax-error.ts';
import type { ErrorCode } from '../../errors/codes.ts';
import { type Manifest, manifestBytes } from '../format/manifest.ts';
import { newKeyPem, type SigningKey, signingKey } from './keys.ts';
import {
  makeRoot,
  makeSnapshot,
  makeTargets,
  makeTimestamp,
  type RootPlan,
  SNAPSHOT_MS,
  signed,
  TIMESTAMP_MS,
} from './metadata.ts';
import { targetOf } from './published.ts';
import type { RepositoryFiles } from './repository-files.ts';
import { TrustedRepository } from './trusted-repository.ts';

const NOW = Date.now();
const dirs: string[] = [];
after(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true });
});
const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-trust-'));
  dirs.push(dir);
  return dir;
};
const newKey = (): SigningKey => signingKey(newKeyPem(), 'test');

function manifestOf(version: string, files: Readonly<Record<string, string>> = { a: 'one' }): Manifest {
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
  };
}

/** A repository in memory that is signed by hand, so that it can be signed wrongly. It counts what it is asked for. */
class Mirror implements RepositoryFiles {
  readonly name = 'mirror';
  readonly files = new Map<string, Buffer>();
  readonly asked: string[] = [];
  readonly root = newKey();
  readonly targets = newKey();
  readonly online = newKey();
  /** Answers instead of the file. */
  readonly instead = new Map<string, () => Readable>();

  plan(more: Partial<RootPlan> = {}): RootPlan {
    return {
      version: 1,
      root: { keys: [this.root], threshold: 1 },
      targets: { keys: [this.targets], threshold: 1 },
      online: this.online,
      expires: NOW + 1e9,
      ...more,
    };
  }

  constructor() {
    this.put('metadata', '1.root.json', signed(makeRoot(this.plan()), [this.root]));
  }

  put(kind: string, name: string, bytes: Buffer): void {
    this.files.set(`${kind}/${name}`, bytes);
  }

  /** Publishes these packages as version `n` of every role. */
  publish(
    n: number,
    manifests: readonly Manifest[],
    {
      targetsBy = [this.targets],
      online = this.online,
      targetsUntil = NOW + 1e9,
      snapshotUntil = NOW + SNAPSHOT_MS,
      timestampUntil = NOW + TIMESTAMP_MS,
    } = {},
  ): void {
    const named = Object.fromEntries(
      manifests.map(manifest => {
        const bytes = manifestBytes(manifest);
        this.put('targets', `${hash('sha256', bytes)}.web@${manifest.version}.json`, bytes);
        return [`web@${manifest.version}.json`, targetOf(manifest, bytes, NOW)];
      }),
    );
    const targets = signed(makeTargets(n, named, targetsUntil), targetsBy);
    const snapshot = signed(makeSnapshot(n, { version: n, bytes: targets }, snapshotUntil), [online]);
    const timestamp = signed(makeTimestamp(n, { version: n, bytes: snapshot }, timestampUntil), [online]);
    this.put('metadata', `${n}.targets.json`, targets);
    this.put('metadata', `${n}.snapshot.json`, snapshot);
    this.put('metadata', 'timestamp.json', timestamp);
  }

  async open(kind: string, name: string): Promise<Readable | null> {
    this.asked.push(`${kind}/${name}`);
    const other = this.instead.get(`${kind}/${name}`);
    if (other !== undefined) return other();
    const bytes = this.files.get(`${kind}/${name}`);
    return bytes === undefined ? null : Readable.from([bytes]);
  }
}

const reader = (files: RepositoryFiles, dir = folder(), root?: Uint8Array): TrustedRepository =>
  new TrustedRepository({ files, folder: dir, ...(root && { root }) });

const refuses = (work: Promise<unknown>, code: ErrorCode, reason: RegExp): Promise<void> =>
  assert.rejects(work, error => {
    assert.ok(isCoaxError(error), String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.reason, reason);
    return true;
  });

/** Bytes without an end; what it gave is counted. */
function endless(count: { bytes: number }): Readable {
  const piece = Buffer.alloc(64 * 1024, 32);
  return new Readable({
    read() {
      count.bytes += piece.length;
      this.push(piece);
    },
  });
}

describe('a reader of a repository', () => {
  it('sees what is published, and asks for two files when nothing is new', async () => {
    const mirror = new Mirror();
    mirror.publish(1, [manifestOf('1.0.0')]);
    const dir = folder();
    assert.deepEqual(await reader(mirror, dir).versions('web'), ['1.0.0']);
    mirror.publish(2, [manifestOf('1.0.0'), manifestOf('1.1.0')]);
    const again = reader(mirror, dir);
    assert.deepEqual(await again.versions('web'), ['1.0.0', '1.1.0']);
    assert.deepEqual(await again.versions('other'), []);
    mirror.asked.length = 0;
    assert.equal((await again.packages()).length, 2);
    assert.deepEqual(mirror.asked, ['metadata/2.root.json', 'metadata/timestamp.json']);
    const bytes = await again.manifest('web', '1.1.0');
    assert.deepEqual(Buffer.from(bytes), manifestBytes(manifestOf('1.1.0')));
    await refuses(again.manifest('web', '9.0.0'), 'COAX_PACKAGE_NOT_FOUND', /no package web@9\.0\.0/);
    assert.deepEqual(readdirSync(dir).sort(), [
      'root.json',
      'snapshot.json',
      'targets.json',
      'timestamp.json',
    ]);
  });

  it('fetches the wanted contents and nothing else', async () => {
    const mirror = new Mirror();
    const texts: Record<string, string> = { a: 'one', b: 'two', c: 'three' };
    const manifest = manifestOf('1.0.0', texts);
    mirror.publish(1, [manifest]);
    for (const text of Object.values(texts))
      mirror.put('contents', `${hash('sha256', text)}.zst`, zstdCompressSync(text));
    const wanted = ['one', 'three'].map(text => ({ sha256: hash('sha256', text), size: text.length }));
    const got: string[] = [];
    for await (const { bytes } of reader(mirror).contents(manifest, wanted))
      got.push(Buffer.concat(await Array.fromAsync(bytes)).toString());
    assert.deepEqual(got, ['one', 'three']);
    assert.deepEqual(
      mirror.asked,
      wanted.map(({ sha256 }) => `contents/${sha256}.zst`),
    );
  });

  it('refuses a root that nobody signed, and one that is not the trusted one', async () => {
    const mirror = new Mirror();
    mirror.publish(1, [manifestOf('1.0.0')]);
    const other = new Mirror();
    await refuses(
      reader(mirror, folder(), other.files.get('metadata/1.root.json')).packages(),
      'COAX_REPOSITORY_UNTRUSTED',
      /signed by 0\/1 keys/,
    );
    mirror.put('metadata', '1.root.json', signed(makeRoot(mirror.plan()), [newKey()]));
    await refuses(reader(mirror).packages(), 'COAX_REPOSITORY_UNTRUSTED', /root was signed by 0\/1 keys/);
  });

  for (const role of ['targets', 'snapshot', 'timestamp'] as const)
    it(`refuses ${role} that are signed by a key which may not`, async () => {
      const mirror = new Mirror();
      const by = role === 'targets' ? { targetsBy: [newKey()] } : { online: newKey() };
      mirror.publish(1, [manifestOf('1.0.0')]);
      const good = new Map(mirror.files);
      mirror.publish(1, [manifestOf('1.0.0')], by);
      // Of the signed chain only that one role is false.
      if (role === 'snapshot') mirror.put('metadata', 'timestamp.json', stampOf(mirror, 1));
      await refuses(
        reader(mirror).packages(),
        'COAX_REPOSITORY_UNTRUSTED',
        new RegExp(`${role} was signed by 0/1 keys`),
      );
      for (const [name, bytes] of good) mirror.files.set(name, bytes);
      assert.equal((await reader(mirror).packages()).length, 1);
    });

  it('asks for as many signatures as the root does, and counts no key twice', async () => {
    const mirror = new Mirror();
    const second = newKey();
    const plan = mirror.plan({ targets: { keys: [mirror.targets, second], threshold: 2 } });
    mirror.put('metadata', '1.root.json', signed(makeRoot(plan), [mirror.root]));
    mirror.publish(1, [manifestOf('1.0.0')]);
    await refuses(reader(mirror).packages(), 'COAX_REPOSITORY_UNTRUSTED', /signed by 1\/2 keys/);
    mirror.publish(2, [manifestOf('1.0.0')], { targetsBy: [mirror.targets, mirror.targets] });
    await refuses(reader(mirror).packages(), 'COAX_REPOSITORY_UNTRUSTED', /signed by 1\/2 keys/);
    mirror.publish(3, [manifestOf('1.0.0')], { targetsBy: [mirror.targets, second] });
    assert.equal((await reader(mirror).packages()).length, 1);
  });

  it('refuses metadata that has expired: a frozen mirror is found out', async () => {
    for (const [until, word] of [
      ['timestampUntil', 'timestamp'],
      ['snapshotUntil', 'snapshot'],
      ['targetsUntil', 'targets'],
    ] as const) {
      const mirror = new Mirror();
      mirror.publish(1, [manifestOf('1.0.0')], { [until]: NOW - 1000 });
      await refuses(reader(mirror).packages(), 'COAX_REPOSITORY_EXPIRED', new RegExp(`${word}.*is expired`));
    }
    const mirror = new Mirror();
    mirror.put(
      'metadata',
      '1.root.json',
      signed(makeRoot(mirror.plan({ expires: NOW - 1000 })), [mirror.root]),
    );
    mirror.publish(1, [manifestOf('1.0.0')]);
    await refuses(reader(mirror).packages(), 'COAX_REPOSITORY_EXPIRED', /root.*is expired/);
  });

  it('refuses what is older than what it has seen: timestamp, snapshot, targets, root', async () => {
    const mirror = new Mirror();
    const dir = folder();
    mirror.publish(1, [manifestOf('1.0.0')]);
    const old = new Map(mirror.files);
    mirror.publish(2, [manifestOf('1.0.0'), manifestOf('1.1.0')]);
    assert.equal((await reader(mirror, dir).packages()).length, 2);
    mirror.put('metadata', 'timestamp.json', old.get('metadata/timestamp.json') as Buffer);
    await refuses(
      reader(mirror, dir).packages(),
      'COAX_REPOSITORY_UNTRUSTED',
      /timestamp version 1 is less than current version 2/,
    );
    // Signed anew, so that the number of the timestamp grows: the snapshot that it names is the old one.
    mirror.put('metadata', 'timestamp.json', stampOf(mirror, 3, 1));
    await refuses(
      reader(mirror, dir).packages(),
      'COAX_REPOSITORY_UNTRUSTED',
      /snapshot version 1 is less than current version 2/,
    );
    const targets = mirror.files.get('metadata/1.targets.json') as Buffer;
    const snapshot = signed(makeSnapshot(3, { version: 1, bytes: targets }, NOW + SNAPSHOT_MS), [
      mirror.online,
    ]);
    mirror.put('metadata', '3.snapshot.json', snapshot);
    mirror.put('metadata', 'timestamp.json', stampOf(mirror, 3, 3));
    await refuses(
      reader(mirror, dir).packages(),
      'COAX_REPOSITORY_UNTRUSTED',
      /version 1 of targets\.json is less than current version 2/,
    );
    mirror.put('metadata', '2.root.json', mirror.files.get('metadata/1.root.json') as Buffer);
    await refuses(reader(mirror, dir).packages(), 'COAX_REPOSITORY_UNTRUSTED', /Expected version 2, got 1/);
  });

  it('refuses a mixture: targets of one time with a snapshot of another', async () => {
    const mirror = new Mirror();
    mirror.publish(1, [manifestOf('1.0.0')]);
    const first = mirror.files.get('metadata/1.targets.json') as Buffer;
    mirror.publish(2, [manifestOf('1.0.0'), manifestOf('1.1.0')]);
    mirror.put('metadata', '2.targets.json', first);
    await refuses(reader(mirror).packages(), 'COAX_REPOSITORY_UNTRUSTED', /length|hash/);
    mirror.publish(3, [manifestOf('1.0.0')]);
    mirror.put('metadata', '3.snapshot.json', mirror.files.get('metadata/2.snapshot.json') as Buffer);
    await refuses(reader(mirror).packages(), 'COAX_REPOSITORY_UNTRUSTED', /length|hash/);
  });

  it('refuses manifests and contents that are not what was signed', async () => {
    const mirror = new Mirror();
    const manifest = manifestOf('1.0.0');
    mirror.publish(1, [manifest]);
    const name = `${hash('sha256', manifestBytes(manifest))}.web@1.0.0.json`;
    mirror.put('targets', name, manifestBytes(manifestOf('1.0.0', { evil: 'x' })));
    await refuses(
      reader(mirror).manifest('web', '1.0.0'),
      'COAX_REPOSITORY_UNTRUSTED',
      /not the one that was signed/,
    );
    mirror.files.delete(`targets/${name}`);
    await refuses(reader(mirror).manifest('web', '1.0.0'), 'COAX_REPOSITORY_UNTRUSTED', /is not there/);
    const wanted = [{ sha256: hash('sha256', 'one'), size: 3 }];
    const take = async (): Promise<void> => {
      for await (const { bytes } of reader(mirror).contents(manifest, wanted)) await Array.fromAsync(bytes);
    };
    await refuses(take(), 'COAX_PACKAGE_NOT_FOUND', /not in its repository/);
    const content = `${wanted[0]!.sha256}.zst`;
    mirror.put('contents', content, Buffer.from('no zstd'));
    await refuses(take(), 'COAX_REPOSITORY_UNTRUSTED', /cannot be unpacked/);
    mirror.put('contents', content, zstdCompressSync(Buffer.alloc(50_000_000)));
    await refuses(take(), 'COAX_REPOSITORY_UNTRUSTED', /unpacks to more than its 3 bytes/);
    mirror.put('contents', content, zstdCompressSync('some text that is cut').subarray(0, 12));
    await refuses(take(), 'COAX_REPOSITORY_UNTRUSTED', /cannot be unpacked|more than/);
  });

  it('cuts off data without an end: metadata, manifests, contents', async () => {
    const mirror = new Mirror();
    const manifest = manifestOf('1.0.0');
    mirror.publish(1, [manifest]);
    const count = { bytes: 0 };
    mirror.instead.set('metadata/timestamp.json', () => endless(count));
    await refuses(reader(mirror).packages(), 'COAX_REPOSITORY_UNTRUSTED', /goes on after the 16384 bytes/);
    mirror.instead.clear();
    const name = `${hash('sha256', manifestBytes(manifest))}.web@1.0.0.json`;
    mirror.instead.set(`targets/${name}`, () => endless(count));
    await refuses(reader(mirror).manifest('web', '1.0.0'), 'COAX_REPOSITORY_UNTRUSTED', /goes on after/);
    const wanted = [{ sha256: hash('sha256', 'one'), size: 3 }];
    // A skippable frame of zstd that claims 4 GiB: it unpacks to nothing for ever.
    const head = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff]);
    mirror.instead.set(`contents/${wanted[0]!.sha256}.zst`, () => {
      const stream = endless(count);
      stream.unshift(head);
      return stream;
    });
    const take = async (): Promise<void> => {
      for await (const { bytes } of reader(mirror).contents(manifest, wanted)) await Array.fromAsync(bytes);
    };
    await refuses(take(), 'COAX_REPOSITORY_UNTRUSTED', /goes on after/);
    assert.ok(count.bytes < 64 * 1024 * 1024, `${count.bytes} bytes were taken`);
  });

  it('follows a root that the one before signed, and no other', async () => {
    const mirror = new Mirror();
    const dir = folder();
    mirror.publish(1, [manifestOf('1.0.0')]);
    assert.equal((await reader(mirror, dir).packages()).length, 1);
    const next = newKey();
    const plan = mirror.plan({ version: 2, root: { keys: [next], threshold: 1 } });
    mirror.put('metadata', '2.root.json', signed(makeRoot(plan), [next]));
    await refuses(
      reader(mirror, dir).packages(),
      'COAX_REPOSITORY_UNTRUSTED',
      /root was signed by 0\/1 keys/,
    );
    mirror.put('metadata', '2.root.json', signed(makeRoot(plan), [mirror.root]));
    await refuses(
      reader(mirror, dir).packages(),
      'COAX_REPOSITORY_UNTRUSTED',
      /root was signed by 0\/1 keys/,
    );
    mirror.put('metadata', '2.root.json', signed(makeRoot(plan), [mirror.root, next]));
    assert.equal((await reader(mirror, dir).packages()).length, 1);
    assert.match(readFileSync(join(dir, 'root.json'), 'utf8'), new RegExp(next.public));
    // The key that was taken out signs nothing any more.
    const late = mirror.plan({ version: 3 });
    mirror.put('metadata', '3.root.json', signed(makeRoot(late), [mirror.root]));
    await refuses(
      reader(mirror, dir).packages(),
      'COAX_REPOSITORY_UNTRUSTED',
      /root was signed by 0\/1 keys/,
    );
  });

  it("follows the server's key from root to root, and leaves what a stolen one has signed behind", async () => {
    const mirror = new Mirror();
    const dir = folder();
    mirror.publish(1, [manifestOf('1.0.0')]);
    assert.equal((await reader(mirror, dir).packages()).length, 1);
    // A thief of the key may go so far ahead that no honest version comes after: until the key is another.
    const far = { version: 1, bytes: mirror.files.get('metadata/1.snapshot.json') as Buffer };
    const thief = makeTimestamp(2_000_000_000, far, NOW + TIMESTAMP_MS);
    mirror.put('metadata', 'timestamp.json', signed(thief, [mirror.online]));
    assert.equal((await reader(mirror, dir).packages()).length, 1);
    mirror.publish(2, [manifestOf('1.0.0'), manifestOf('2.0.0')]);
    await refuses(reader(mirror, dir).packages(), 'COAX_REPOSITORY_UNTRUSTED', /less than current version/);
    const keys = [newKey(), newKey(), newKey()];
    for (const [index, online] of keys.entries()) {
      const plan = mirror.plan({ version: index + 2, online });
      mirror.put('metadata', `${plan.version}.root.json`, signed(makeRoot(plan), [mirror.root]));
    }
    // What the key before the last signs is nothing any more.
    mirror.publish(3, [manifestOf('3.0.0')], { online: keys[1]! });
    await refuses(reader(mirror, dir).packages(), 'COAX_REPOSITORY_UNTRUSTED', /signed by 0\/1 keys/);
    mirror.publish(4, [manifestOf('1.0.0'), manifestOf('2.0.0')], { online: keys[2]! });
    assert.equal((await reader(mirror, dir).packages()).length, 2);
    assert.equal((await reader(mirror).packages()).length, 2);
  });

  it('keeps what it verified though a later part is refused, and leaves nothing else', async () => {
    const mirror = new Mirror();
    const dir = folder();
    mirror.publish(1, [manifestOf('1.0.0')]);
    await reader(mirror, dir).packages();
    const before = mirror.files.get('metadata/timestamp.json') as Buffer;
    mirror.publish(2, [manifestOf('2.0.0')]);
    const lost = mirror.files.get('metadata/2.snapshot.json') as Buffer;
    mirror.files.delete('metadata/2.snapshot.json');
    await refuses(reader(mirror, dir).packages(), 'COAX_REPOSITORY_UNTRUSTED', /snapshot/);
    assert.deepEqual(readdirSync(dir).sort(), [
      'root.json',
      'snapshot.json',
      'targets.json',
      'timestamp.json',
    ]);
    mirror.put('metadata', 'timestamp.json', before);
    await refuses(reader(mirror, dir).packages(), 'COAX_REPOSITORY_UNTRUSTED', /less than current version 2/);
    mirror.publish(2, [manifestOf('2.0.0')]);
    mirror.put('metadata', '2.snapshot.json', lost);
    assert.ok(existsSync(join(dir, 'timestamp.json')));
  });
});

/** A timestamp of that version which names a snapshot there is. */
function stampOf(mirror: Mirror, version: number, snapshot = version): Buffer {
  const bytes = mirror.files.get(`metadata/${snapshot}.snapshot.json`) as Buffer;
  const stamp = makeTimestamp(version, { version: snapshot, bytes }, NOW + TIMESTAMP_MS);
  return signed(stamp, [mirror.online]);
}
