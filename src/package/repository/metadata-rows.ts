import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { News } from '../../news/news.ts';
import type { Store } from '../../store/store.ts';
import type { Tx } from '../../store/tx.ts';
import { parseMetadata } from './metadata.ts';
import { repositoryTables } from './schema.ts';

/** Targets and snapshots that are kept: whoever is reading the one before finds it. */
const KEPT = 20;
const LATEST = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type RoleName = (typeof LATEST)[number];

/** The newest of each role. */
export interface CurrentMetadata {
  readonly root: Metadata<Root>;
  readonly targets: Metadata<Targets>;
  readonly snapshot: Metadata<Snapshot>;
  readonly timestamp: Metadata<Timestamp>;
  readonly bytes: Readonly<Record<RoleName, Buffer>>;
}

type Db = Tx['db'];

/** Null before the repository has its first root. */
export async function currentMetadata(db: Db): Promise<CurrentMetadata | null> {
  const bytes: Partial<Record<RoleName, Buffer>> = {};
  for (const role of LATEST) {
    const row = await repositoryTables(db)
      .selectFrom('package_metadata')
      .select('body')
      .where('role', '=', role)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) return null;
    bytes[role] = Buffer.from(row.body);
  }
  const all = bytes as Record<RoleName, Buffer>;
  return {
    root: parseMetadata('root', all.root, 'root'),
    targets: parseMetadata('targets', all.targets, 'targets'),
    snapshot: parseMetadata('snapshot', all.snapshot, 'snapshot'),
    timestamp: parseMetadata('timestamp', all.timestamp, 'timestamp'),
    bytes: all,
  };
}

/** One version of a role; the newest of timestamps, of which there is one name. */
export async function metadataRow(db: Db, role: RoleName, version: number | null): Promise<Buffer | null> {
  let query = repositoryTables(db).selectFrom('package_metadata').select('body').where('role', '=', role);
  if (version !== null) query = query.where('version', '=', version);
  const row = await query.orderBy('version', 'desc').limit(1).executeTakeFirst();
  return row === undefined ? null : Buffer.from(row.body);
}

export async function addMetadata(tx: Tx, role: RoleName, version: number, bytes: Buffer): Promise<void> {
  const db = repositoryTables(tx.db);
  await db
    .insertInto('package_metadata')
    .values({ role, version, body: bytes.toString('utf8'), created: tx.now })
    .execute();
  if (role === 'root') return;
  await db
    .deleteFrom('package_metadata')
    .where('role', '=', role)
    .where('version', '<=', version - KEPT)
    .execute();
}

/** Versions of every root there was, the oldest first. */
export async function rootVersions(db: Db): Promise<readonly number[]> {
  const rows = await repositoryTables(db)
    .selectFrom('package_metadata')
    .select('version')
    .where('role', '=', 'root')
    .orderBy('version')
    .execute();
  return rows.map(({ version }) => Number(version));
}

/** What is published is another than before; `version` is that of the signed list of it. */
export interface PackagesNote {
  readonly version: number;
}
export type PackageNews = News<number, PackagesNote>;

/** Tells when packages were published or taken back: each time the list is signed anew under a higher version. */
export function packageNews(store: Store): PackageNews {
  return new News(
    () => publishedVersion(store),
    (before, now) => (before === now ? [] : [{ version: now }]),
  );
}

/** 0 before the first. */
async function publishedVersion(store: Store): Promise<number> {
  const row = await repositoryTables(store.reader)
    .selectFrom('package_metadata')
    .select(({ fn }) => fn.max('version').as('version'))
    .where('role', '=', 'targets')
    .executeTakeFirst();
  return Number(row?.version ?? 0);
}
