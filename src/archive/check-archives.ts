import { hash } from 'node:crypto';
import { CoaxError } from '../errors/coax-error.ts';
import type { Fault } from '../ledger/fault.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { ArchiveRow } from '../store/archives.ts';
import type { StoreScan } from '../store/store.ts';
import { checkContent, decodeArchive, encodeIds, idsName } from './archive-file.ts';

export interface ArchivesReport {
  readonly faults: readonly Fault[];
  readonly archives: number;
  /** Messages in them that verify. */
  readonly archived: number;
}

/** Verifies every archive that the store knows, one after the other: hashes, chains, and the indexes of ids. Changes nothing. */
export async function checkArchives(
  scan: Pick<StoreScan, 'archives'>,
  open: (place: string) => ObjectStore,
): Promise<ArchivesReport> {
  const rows = await scan.archives();
  const faults: Fault[] = [];
  let archived = 0;
  for (const row of rows) {
    const found = await check(row, open);
    faults.push(
      ...found.map(reason => ({ kind: 'archive' as const, reason: `${row.place}/${row.name}: ${reason}` })),
    );
    if (found.length === 0) archived += row.messages;
  }
  return { faults, archives: rows.length, archived };
}

async function check(row: ArchiveRow, open: (place: string) => ObjectStore): Promise<string[]> {
  try {
    const objects = open(row.place);
    const bytes = await objects.get(row.name);
    if (bytes === null) return ['the file is missing'];
    if (bytes.length !== row.bytes) return [`it has ${bytes.length} bytes and should have ${row.bytes}`];
    const content = await decodeArchive(row, bytes);
    const ids = encodeIds(content.messages);
    const kept = await objects.get(idsName(row.name));
    const faults = await checkContent(content);
    if (kept === null) faults.push('its index of commit ids is missing');
    else if (!kept.equals(ids) || hash('sha256', kept, 'hex') !== row.ids_sha256)
      faults.push('its index of commit ids is another one');
    return faults;
  } catch (error) {
    if (error instanceof CoaxError) return [error.reason];
    throw error;
  }
}
