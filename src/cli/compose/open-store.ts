import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import { type FsckOptions, type FsckReport, fsckStore } from '../../store/fsck.ts';
import { openPostgres } from '../../store/postgres/open-postgres.ts';
import { openSqlite, openSqliteScan } from '../../store/sqlite/open-sqlite.ts';
import type { Store, StoreScan } from '../../store/store.ts';
import { installationSchema } from '../installation-schema.ts';
import { fsckArchives } from './archives.ts';

/** The URL of the PostgreSQL that several processes share (COAX_STORE); null = SQLite in the data directory. */
export function sharedStoreUrl(env: NodeJS.ProcessEnv = process.env): string | null {
  const url = env.COAX_STORE ?? '';
  if (url === '') return null;
  if (/^postgres(ql)?:\/\//.test(url)) return url;
  throw new CoaxError('COAX_USAGE', 'COAX_STORE is not the URL of a store', {
    where: 'COAX_STORE',
    hint: 'As in postgres://user:password@host:5432/database; without it the store is a file in the data directory.',
  });
}

/** Opens the store. The only place that chooses an engine. `onMigrate` hears that a store of an older version is changed first. */
export async function openStore(
  dataDir: string,
  url: string | null,
  onMigrate: (about: string) => void = () => {},
): Promise<Store> {
  if (url !== null) return openPostgres({ url, schema: installationSchema, onMigrate });
  return openSqlite({ file: databaseFile(dataDir), schema: installationSchema, onMigrate });
}

/** Checks the store without a server: the database file of a data directory that none uses, or the shared PostgreSQL. */
export async function offlineFsck(dataDir: string): Promise<FsckReport> {
  const url = sharedStoreUrl();
  if (url !== null) {
    await using opened = new AsyncDisposableStack();
    const store = await openStore(dataDir, url);
    opened.defer(() => store.close());
    return await checkStore(store);
  }
  const scan = openSqliteScan(databaseFile(resolve(dataDir)));
  try {
    return await checkScan(scan, {});
  } finally {
    scan.close();
  }
}

/** Where several servers take msgids, one that was taken and not used is no loss. */
export function checkStore(store: Store): Promise<FsckReport> {
  return checkScan(store.scan(), { gapsPossible: store.capabilities.shared });
}

async function checkScan(scan: StoreScan, options: FsckOptions): Promise<FullReport> {
  const report = await fsckStore(scan, options);
  const { faults, archives, archived } = await fsckArchives(scan);
  return {
    ...report,
    ok: report.ok && faults.length === 0,
    faults: [...report.faults, ...faults],
    ...(archives > 0 && { archives, archived }),
  };
}

/** With what the archives hold, when there are any. */
export type FullReport = FsckReport & { readonly archives?: number; readonly archived?: number };

function databaseFile(dataDir: string): string {
  return join(dataDir, 'coax.db');
}

export function makeDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CoaxError('COAX_STORE_UNAVAILABLE', `the data directory cannot be made: ${textOf(cause)}`, {
      where: dataDir,
      hint: 'Set COAX_DATA to a folder that this user may write.',
      cause,
    });
  }
}
