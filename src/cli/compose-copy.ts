import { statSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { CoaxError } from '../errors/coax-error.ts';
import { type CopyProgress, type CopyReport, copyStore } from '../store/copy-store.ts';
import { openPostgresSource, openPostgresTarget } from '../store/postgres/raw-postgres.ts';
import type { RawSource, RawTarget } from '../store/raw-tables.ts';
import { openSqliteSource, openSqliteTarget } from '../store/sqlite/raw-sqlite.ts';
import { installationSchema } from './installation-schema.ts';

/** Copies a store into an empty one; each is `sqlite:PATH` or `postgres://…`. See copyStore for the errors. */
export async function copyBetween(
  from: string,
  to: string,
  onProgress: (progress: CopyProgress) => void,
): Promise<CopyReport> {
  await using opened = new AsyncDisposableStack();
  const source = await openSource(from);
  opened.defer(() => source.close());
  const target = await openTarget(to);
  opened.defer(() => target.close());
  return await copyStore(source, target, onProgress);
}

const isPostgres = (address: string): boolean => /^postgres(ql)?:\/\//.test(address);

async function openSource(address: string): Promise<RawSource> {
  return isPostgres(address) ? openPostgresSource(address) : openSqliteSource(fileOf(address));
}

async function openTarget(address: string): Promise<RawTarget> {
  return isPostgres(address)
    ? openPostgresTarget(address, installationSchema)
    : openSqliteTarget(fileOf(address), installationSchema);
}

/** The database file of `sqlite:PATH`; a path without an extension is a data directory. */
function fileOf(address: string): string {
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(address)?.[1];
  if (path === undefined)
    throw new CoaxError('COAX_USAGE', 'that is not the address of a store', {
      where: address.replace(/\/\/[^@/]*@/, '//…@'),
      hint: 'sqlite:DATA_DIR, sqlite:FILE.db or postgres://user@host:5432/database',
    });
  const full = resolve(path);
  const isFile = statSync(full, { throwIfNoEntry: false })?.isFile() ?? extname(full) !== '';
  return isFile ? full : join(full, 'coax.db');
}
