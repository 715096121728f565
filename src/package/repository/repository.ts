import { Readable } from 'node:stream';
import type { Metadata, Root, Targets } from '@tufjs/models';
import { CoaxError } from '../../errors/coax-error.ts';
import type { Store, StoreTx } from '../../store/store.ts';
import { type CollectOptions, type CollectReport, collectGarbage } from './garbage/collect.ts';
import { GarbageBook } from './garbage/garbage-book.ts';
import type { PublicKey, SigningKey } from './keys.ts';
import {
  assertSignedBy,
  makeSnapshot,
  makeTimestamp,
  parseMetadata,
  type Signers,
  SNAPSHOT_MS,
  signed,
  signersOf,
  TIMESTAMP_MS,
} from './metadata.ts';
import {
  addMetadata,
  type CurrentMetadata,
  currentMetadata,
  metadataRow,
  type PackageNews,
  packageNews,
  type RoleName,
  rootVersions,
} from './metadata-rows.ts';
import {
  type KeyBox,
  nextOnlineKey,
  onlineKey,
  onlineKeyNow,
  promoteOnlineKey,
  resealKeys,
  takeOnlineKey,
} from './online-key.ts';
import { type PublishedPackage, publishedIn, targetObject, targetOf } from './published.ts';
import { contentObject, hashesOf, type RepositoryContents } from './repository-contents.ts';
import { isFileName, type RepositoryFiles, type RepositoryObjects } from './repository-files.ts';
import { repositoryTables } from './schema.ts';

export interface RepositoryParts {
  readonly store: Store;
  readonly box: KeyBox;
  readonly objects: RepositoryObjects;
  readonly contents: RepositoryContents;
}

/** How far a role is. */
export interface RoleState {
  readonly version: number;
  /** Ms since 1970. */
  readonly expires: number;
}

export interface RepositoryState {
  readonly place: string;
  readonly root: RoleState & Signers;
  readonly targets: RoleState & Signers;
  readonly snapshot: RoleState;
  readonly timestamp: RoleState;
  /** The server's own key, which signs the last two; since when, ms since 1970. */
  readonly online: (PublicKey & { readonly since: number }) | null;
  readonly packages: number;
}

/**
 * The repository of packages as its server keeps it. People sign roots and targets with keys that the server never sees; the server's
 * own key signs snapshots and timestamps. What is signed lies in the database, so that a publication is one transaction, and is copied
 * to the objects' store afterwards, for those who read it there.
 */
export class Repository {
  readonly contents: RepositoryContents;
  /** Tells when what is published has changed. */
  readonly news: PackageNews;
  readonly #store: Store;
  readonly #box: KeyBox;
  readonly #objects: RepositoryObjects;
  readonly #garbage: GarbageBook;
  /** What this process knows to be copied. */
  readonly #copied = new Set<string>();
  #copying: Promise<void> = Promise.resolve();

  constructor({ store, box, objects, contents }: RepositoryParts) {
    this.#store = store;
    this.#box = box;
    this.#objects = objects;
    this.#garbage = new GarbageBook(store);
    this.contents = contents;
    this.news = packageNews(store);
  }

  /** Null before the first root. */
  async state(): Promise<RepositoryState | null> {
    const current = await currentMetadata(this.#store.reader);
    return current === null ? null : await this.#stateOf(current);
  }

  /** The public half of the key that the server signs with; the first root must name it. */
  onlineKey(): Promise<PublicKey> {
    return this.#store.transact(tx => onlineKey(tx, this.#box));
  }

  /**
   * The public half of the key that will sign in its place once the next root names it (`rotate`): the same until then. Errors:
   * COAX_REPOSITORY_STATE before the first root.
   */
  async nextOnlineKey(): Promise<PublicKey> {
    await this.#current();
    return this.#store.transact(tx => nextOnlineKey(tx, this.#box));
  }

  /** All versions of all packages. Errors: COAX_REPOSITORY_STATE before the first root. */
  async packages(): Promise<PublishedPackage[]> {
    return publishedIn((await this.#current()).targets.signed);
  }

  /** Which of these contents a publisher must bring. What is there stays there for him, though nothing names it yet. */
  async missing(sha256s: readonly string[]): Promise<string[]> {
    const doomed = new Set(await this.#garbage.touch('contents', sha256s.map(contentObject)));
    const missing = new Set(await this.contents.missing(sha256s));
    return sha256s.filter(sha256 => missing.has(sha256) || doomed.has(contentObject(sha256)));
  }

  /** Deletes what no published package has named for so long. Errors: COAX_REPOSITORY_STATE, also while another server does it. */
  async collect(options: Omit<CollectOptions, 'now'>): Promise<CollectReport> {
    const report = await this.collectUnlessTaken(options);
    if (report !== null) return report;
    throw refused('another server deletes what nothing names just now', 'Try again in a while.');
  }

  /** The same; null while another server does it. */
  async collectUnlessTaken(options: Omit<CollectOptions, 'now'>): Promise<CollectReport | null> {
    const now = this.#store.now();
    return collectGarbage(await this.packages(), this.#objects, this.#garbage, { ...options, now });
  }

  /** The first root, with targets of no package. Errors: COAX_REPOSITORY_STATE, COAX_REPOSITORY_REFUSED. */
  async init(given: { readonly root: Buffer; readonly targets: Buffer }): Promise<RepositoryState> {
    if ((await currentMetadata(this.#store.reader)) !== null) throw refused('there is a repository already');
    const root = takenIn('root', given.root);
    const targets = takenIn('targets', given.targets);
    assertSignedBy(root, 'root', root);
    assertSignedBy(root, 'targets', targets);
    if (root.signed.version !== 1 || targets.signed.version !== 1)
      throw refused('the first root and targets have version 1');
    return this.#publish(async tx => {
      const key = await this.#keyFor(tx, root);
      if ((await currentMetadata(tx.db)) !== null) throw refused('there is a repository already');
      this.#assertHolds(tx, root, targets);
      await addMetadata(tx, 'root', 1, given.root);
      await addMetadata(tx, 'targets', 1, given.targets);
      await sign(tx, key, { version: 1, bytes: given.targets }, null);
    });
  }

  /**
   * Publishes the next targets. What is new among them must be stored; what was published stays as it is, or goes. Errors:
   * COAX_REPOSITORY_STATE, COAX_REPOSITORY_REFUSED, COAX_PACKAGE_REFUSED.
   */
  async publish(given: Buffer): Promise<RepositoryState> {
    const targets = takenIn('targets', given);
    await this.#assertStored(targets);
    return this.#publish(async tx => {
      const current = await this.#currentIn(tx);
      const key = await this.#keyFor(tx, current.root);
      assertSignedBy(current.root, 'targets', targets);
      this.#assertHolds(tx, current.root, targets);
      assertNext('targets', current.targets.signed.version, targets.signed.version);
      assertUnchanged(current.targets, targets);
      await addMetadata(tx, 'targets', targets.signed.version, given);
      await sign(tx, key, { version: targets.signed.version, bytes: given }, current);
    });
  }

  /**
   * The next root: other keys, other thresholds. Enough keys of the one before sign it, and enough of its own. When the
   * keys of targets change, the targets come along, signed anew. When it names the server's next key for snapshot and timestamp, that
   * one signs them from now on, and the one before is forgotten. Errors: as `publish`.
   */
  async rotate(given: { readonly root: Buffer; readonly targets?: Buffer }): Promise<RepositoryState> {
    const root = takenIn('root', given.root);
    const next = given.targets && takenIn('targets', given.targets);
    return this.#publish(async tx => {
      const current = await this.#currentIn(tx);
      const key = await this.#keyAfter(tx, root);
      assertSignedBy(current.root, 'root', root);
      assertSignedBy(root, 'root', root);
      assertNext('root', current.root.signed.version, root.signed.version);
      const targets = next ?? current.targets;
      assertSignedBy(root, 'targets', targets);
      this.#assertHolds(tx, root, targets);
      await addMetadata(tx, 'root', root.signed.version, given.root);
      const { version } = targets.signed;
      if (next !== undefined) {
        assertNext('targets', current.targets.signed.version, version);
        assertUnchanged(current.targets, next);
        await addMetadata(tx, 'targets', version, given.targets as Buffer);
      }
      await sign(tx, key, { version, bytes: given.targets ?? current.bytes.targets }, current);
    });
  }

  /** Signs snapshot and timestamp anew: when half of their time is over, or always. Returns whether it did. */
  async renew(always = false): Promise<boolean> {
    const due = (current: CurrentMetadata, now: number): boolean =>
      Date.parse(current.timestamp.signed.expires) - now < TIMESTAMP_MS / 2 ||
      Date.parse(current.snapshot.signed.expires) - now < SNAPSHOT_MS / 2;
    const current = await currentMetadata(this.#store.reader);
    if (current === null) return always ? none() : false;
    if (!always && !due(current, this.#store.now())) {
      await this.copyOut();
      return false;
    }
    await this.#publish(async tx => {
      const newest = await this.#currentIn(tx);
      // Another server was faster.
      if (!always && !due(newest, tx.now)) return;
      const key = await this.#keyFor(tx, newest.root);
      const { version } = newest.targets.signed;
      await sign(tx, key, { version, bytes: newest.bytes.targets }, newest);
    });
    return true;
  }

  /** One file of metadata as readers ask for it; null when there is none. */
  async metadata(name: string): Promise<Buffer | null> {
    if (name === 'timestamp.json') return metadataRow(this.#store.reader, 'timestamp', null);
    const parts = /^([1-9][0-9]{0,14})\.(root|targets|snapshot)\.json$/.exec(name);
    if (parts === null) return null;
    return metadataRow(this.#store.reader, parts[2] as RoleName, Number(parts[1]));
  }

  /** The files as a reader in this process gets them: metadata as it is in the database. */
  files(): RepositoryFiles {
    return {
      name: this.#place(),
      open: async (kind, name) => {
        if (kind !== 'metadata')
          return isFileName(kind, name) ? ((await this.#objects[kind].open(name))?.stream ?? null) : null;
        const bytes = await this.metadata(name);
        return bytes === null ? null : readableOf(bytes);
      },
    };
  }

  /** A URL that gives the bytes without asking the server; null where the store has none. */
  async link(kind: 'targets' | 'contents', name: string, seconds: number): Promise<string | null> {
    if (!isFileName(kind, name)) return null;
    return this.#objects[kind].link(name, seconds);
  }

  /**
   * Copies what is signed to the objects' store: the timestamp last, so that whoever reads there never finds half. A server that
   * was slower than another one sees that after it has written, and writes the newest.
   */
  copyOut(): Promise<void> {
    const next = this.#copying.catch(() => {}).then(() => this.#copyNewest());
    this.#copying = next;
    return next;
  }

  reseal(): Promise<number> {
    return this.#store.transact(tx => resealKeys(tx, this.#box));
  }

  async sealedWith(key: string): Promise<number> {
    const { count } = await repositoryTables(this.#store.reader)
      .selectFrom('package_keys')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('sealed', 'like', `%"key":"${key}"%`)
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  #place(): string {
    return this.#objects.metadata.place.replace(/\/metadata$/, '');
  }

  async #copyNewest(): Promise<void> {
    const { metadata } = this.#objects;
    const copy = async (name: string, bytes: Buffer): Promise<void> => {
      if (this.#copied.has(name)) return;
      await metadata.put(name, bytes);
      this.#copied.add(name);
    };
    for (;;) {
      const current = await currentMetadata(this.#store.reader);
      if (current === null) return;
      const version = current.timestamp.signed.version;
      if (this.#copied.has(`timestamp ${version}`)) return;
      for (const root of await rootVersions(this.#store.reader)) {
        const name = `${root}.root.json`;
        if (!this.#copied.has(name)) await copy(name, (await this.metadata(name)) as Buffer);
      }
      await copy(`${current.targets.signed.version}.targets.json`, current.bytes.targets);
      await copy(`${current.snapshot.signed.version}.snapshot.json`, current.bytes.snapshot);
      await metadata.put('timestamp.json', current.bytes.timestamp);
      this.#copied.add(`timestamp ${version}`);
    }
  }

  async #publish(write: (tx: StoreTx) => Promise<void>): Promise<RepositoryState> {
    await this.#store.transact(write);
    await this.copyOut();
    return this.#stateOf(await this.#current());
  }

  async #current(): Promise<CurrentMetadata> {
    return (await currentMetadata(this.#store.reader)) ?? none();
  }

  async #currentIn(tx: StoreTx): Promise<CurrentMetadata> {
    // Waits for whoever else publishes before it reads what there is.
    await takeOnlineKey(tx, this.#box);
    return (await currentMetadata(tx.db)) ?? none();
  }

  /** The server's key, which the root must let sign. */
  async #keyFor(tx: StoreTx, root: Metadata<Root>): Promise<SigningKey> {
    const key = await takeOnlineKey(tx, this.#box);
    const role = (['snapshot', 'timestamp'] as const).find(each => !maySign(root, each, key));
    if (role !== undefined) throw refused(`the root does not let the server's key alone sign the ${role}`);
    return key as SigningKey;
  }

  /** The same of the next root: it may name the key that is to follow. */
  async #keyAfter(tx: StoreTx, root: Metadata<Root>): Promise<SigningKey> {
    const isMeant = (key: PublicKey) => maySign(root, 'snapshot', key) && maySign(root, 'timestamp', key);
    return (await promoteOnlineKey(tx, this.#box, isMeant)) ?? (await this.#keyFor(tx, root));
  }

  #assertHolds(tx: StoreTx, root: Metadata<Root>, targets: Metadata<Targets>): void {
    for (const [name, { signed }] of [
      ['root', root],
      ['targets', targets],
    ] as const)
      if (signed.isExpired(new Date(tx.now))) throw refused(`the ${name} expired on ${signed.expires}`);
  }

  /** What the targets name beyond those before is stored, and is what they say. */
  async #assertStored(targets: Metadata<Targets>): Promise<void> {
    const before = (await this.#current()).targets.signed.targets;
    for (const published of publishedIn(targets.signed)) {
      const path = `${published.name}@${published.version}`;
      if (before[`${path}.json`] !== undefined) continue;
      const { manifest, bytes } = await this.contents.storedManifest(published);
      await this.#keep(published, hashesOf(manifest));
      const told = targets.signed.targets[`${path}.json`];
      if (!told?.equals(targetOf(manifest, bytes, published.published)))
        throw new CoaxError(
          'COAX_PACKAGE_REFUSED',
          'the signed metadata says something else than its manifest',
          {
            where: path,
          },
        );
    }
  }

  /** From here on nothing of a package is deleted for longer than its publication takes; and what was just being deleted is seen now. */
  async #keep(published: PublishedPackage, hashes: readonly string[]): Promise<void> {
    const doomed = [
      ...(await this.#garbage.touch('targets', [targetObject(published)])),
      ...(await this.#garbage.touch('contents', hashes.map(contentObject))),
    ];
    if (doomed.length > 0)
      throw refused(
        `${doomed.length} files of ${published.name}@${published.version} are just being deleted`,
        'Publish it again: what is missing is brought anew. If it goes on, `coax repository gc` ends what was cut off.',
      );
    await this.contents.storedManifest(published);
  }

  async #stateOf({ root, targets, snapshot, timestamp }: CurrentMetadata): Promise<RepositoryState> {
    const state = ({ signed: { version, expires } }: Metadata<Root>): RoleState => ({
      version,
      expires: Date.parse(expires),
    });
    const of = (metadata: unknown): RoleState => state(metadata as Metadata<Root>);
    return {
      place: this.#place(),
      root: { ...of(root), ...signersOf(root, 'root') },
      targets: { ...of(targets), ...signersOf(root, 'targets') },
      snapshot: of(snapshot),
      timestamp: of(timestamp),
      online: await onlineKeyNow(this.#store.reader),
      packages: Object.keys(targets.signed.targets).length,
    };
  }
}

/** The next snapshot and timestamp of these targets. */
async function sign(
  tx: StoreTx,
  key: SigningKey,
  targets: { readonly version: number; readonly bytes: Buffer },
  before: CurrentMetadata | null,
): Promise<void> {
  const version = (before?.snapshot.signed.version ?? 0) + 1;
  const bytes = signed(makeSnapshot(version, targets, tx.now + SNAPSHOT_MS), [key]);
  await addMetadata(tx, 'snapshot', version, bytes);
  const stamp = (before?.timestamp.signed.version ?? 0) + 1;
  const timestamp = makeTimestamp(stamp, { version, bytes }, tx.now + TIMESTAMP_MS);
  await addMetadata(tx, 'timestamp', stamp, signed(timestamp, [key]));
}

function assertNext(role: RoleName, before: number, version: number): void {
  if (version === before + 1) return;
  throw refused(
    `the ${role} to follow are of version ${before + 1}, and these are of ${version}`,
    'Somebody else has published meanwhile: do it again.',
  );
}

/** A version that was published never becomes another. */
function assertUnchanged(before: Metadata<Targets>, after: Metadata<Targets>): void {
  for (const [path, target] of Object.entries(after.signed.targets)) {
    const was = before.signed.targets[path];
    if (was === undefined || was.equals(target)) continue;
    throw refused(
      `${path.replace(/\.json$/, '')} is published already, with other contents`,
      'Give what has changed a version of its own.',
    );
  }
}

function maySign(root: Metadata<Root>, role: 'snapshot' | 'timestamp', key: PublicKey | null): boolean {
  const { keys, threshold } = signersOf(root, role);
  return threshold === 1 && keys.some(({ id }) => id === key?.id);
}

function refused(reason: string, hint?: string): CoaxError {
  return new CoaxError('COAX_REPOSITORY_STATE', reason, { where: 'repository', ...(hint && { hint }) });
}

function none(): never {
  throw refused('there is no repository of packages yet', '`coax repository init` makes it.');
}

const takenIn = <K extends 'root' | 'targets'>(kind: K, bytes: Buffer) =>
  parseMetadata(kind, bytes, kind, 'COAX_REPOSITORY_REFUSED');

function readableOf(bytes: Buffer): Readable {
  return Readable.from([bytes]);
}
