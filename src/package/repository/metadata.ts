import { hash } from 'node:crypto';
import {
  Metadata,
  MetadataKind,
  MetaFile,
  Root,
  Snapshot,
  type TargetFile,
  Targets,
  Timestamp,
} from '@tufjs/models';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import { type PublicKey, type SigningKey, tufKey } from './keys.ts';

/*
 * The four roles of The Update Framework (theupdateframework.github.io/specification), as the library writes them. Root says
 * who may sign what; targets names the packages; snapshot says which targets are the newest, timestamp which snapshot is.
 */

const SPEC = '1.0.31';
const DAY_MS = 86_400_000;
/** How long metadata holds that people sign; the server renews the other two by itself. */
export const SIGNED_MS = 365 * DAY_MS;
export const SNAPSHOT_MS = 7 * DAY_MS;
/** So long a reader can be kept from hearing of a new version at most. */
export const TIMESTAMP_MS = DAY_MS;

type Kind = 'root' | 'targets' | 'snapshot' | 'timestamp';

/** Who may sign: so many of these keys. */
export interface Signers {
  readonly keys: readonly PublicKey[];
  readonly threshold: number;
}

export interface RootPlan {
  readonly version: number;
  readonly root: Signers;
  readonly targets: Signers;
  /** Of the server, which signs snapshots and timestamps. */
  readonly online: PublicKey;
  /** Ms since 1970. */
  readonly expires: number;
}

/** Without signatures. */
export function makeRoot({ version, root, targets, online, expires }: RootPlan): Metadata<Root> {
  const role = ({ keys, threshold }: Signers) => ({ keyids: keys.map(({ id }) => id), threshold });
  const all = [...root.keys, ...targets.keys, online];
  return new Metadata(
    Root.fromJSON({
      _type: 'root',
      version,
      spec_version: SPEC,
      expires: isoOf(expires),
      consistent_snapshot: true,
      keys: Object.fromEntries(all.map(key => [key.id, tufKey(key).toJSON()])),
      roles: {
        root: role(root),
        targets: role(targets),
        snapshot: role({ keys: [online], threshold: 1 }),
        timestamp: role({ keys: [online], threshold: 1 }),
      },
    }),
  );
}

export function makeTargets(
  version: number,
  targets: Readonly<Record<string, TargetFile>>,
  expires: number,
): Metadata<Targets> {
  return new Metadata(
    new Targets({ version, specVersion: SPEC, expires: isoOf(expires), targets: { ...targets } }),
  );
}

export function makeSnapshot(
  version: number,
  targets: { readonly version: number; readonly bytes: Buffer },
  expires: number,
): Metadata<Snapshot> {
  const meta = { 'targets.json': metaOf(targets.version, targets.bytes) };
  return new Metadata(new Snapshot({ version, specVersion: SPEC, expires: isoOf(expires), meta }));
}

export function makeTimestamp(
  version: number,
  snapshot: { readonly version: number; readonly bytes: Buffer },
  expires: number,
): Metadata<Timestamp> {
  const snapshotMeta = metaOf(snapshot.version, snapshot.bytes);
  return new Metadata(new Timestamp({ version, specVersion: SPEC, expires: isoOf(expires), snapshotMeta }));
}

type AnyMetadata = Metadata<Root> | Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>;

/** Signs with each key, and gives the bytes that are published. */
export function signed(metadata: AnyMetadata, keys: readonly SigningKey[]): Buffer {
  for (const key of keys) metadata.sign(data => key.sign(data));
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}

interface OfKind {
  root: Metadata<Root>;
  targets: Metadata<Targets>;
  snapshot: Metadata<Snapshot>;
  timestamp: Metadata<Timestamp>;
}

/** What is raised when metadata does not do: what a reader is told, and what a publisher is. */
export type MetadataFault = 'COAX_REPOSITORY_UNTRUSTED' | 'COAX_REPOSITORY_REFUSED';

/** Reads the bytes of metadata; signatures are not looked at. Errors: `fault`. */
export function parseMetadata<K extends Kind>(
  kind: K,
  bytes: Uint8Array,
  where: string,
  fault: MetadataFault = 'COAX_REPOSITORY_UNTRUSTED',
): OfKind[K] {
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const read = Metadata.fromJSON as (type: MetadataKind, data: never) => unknown;
    return read(KINDS[kind], json as never) as OfKind[K];
  } catch (cause) {
    throw new CoaxError(fault, `that is no ${kind} metadata: ${textOf(cause)}`, { where, cause });
  }
}

const KINDS: Readonly<Record<Kind, MetadataKind>> = {
  root: MetadataKind.Root,
  targets: MetadataKind.Targets,
  snapshot: MetadataKind.Snapshot,
  timestamp: MetadataKind.Timestamp,
};

/** Errors: COAX_REPOSITORY_REFUSED when too few of the keys that `root` names for it have signed. */
export function assertSignedBy(root: Metadata<Root>, kind: Kind, metadata: AnyMetadata): void {
  try {
    root.verifyDelegate(kind, metadata as never);
  } catch (cause) {
    throw new CoaxError('COAX_REPOSITORY_REFUSED', `the signatures do not do: ${textOf(cause)}`, {
      where: kind,
      cause,
    });
  }
}

/** The keys that may sign for a role, and how many of them must. */
export function signersOf(root: Metadata<Root>, kind: Kind): Signers {
  const { keyIDs = [], threshold = 0 } = root.signed.roles[kind] ?? {};
  return {
    threshold,
    keys: keyIDs.map(id => ({ id, public: root.signed.keys[id]?.keyVal.public ?? '' })),
  };
}

function metaOf(version: number, bytes: Buffer): MetaFile {
  return new MetaFile({ version, length: bytes.length, hashes: { sha256: hash('sha256', bytes) } });
}

/** The metadata's times have whole seconds. */
const isoOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
