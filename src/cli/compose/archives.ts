import { join, resolve } from 'node:path';
import { ARCHIVES } from '../../archive/archive-file.ts';
import { type ArchiveReport, archiveMessages } from '../../archive/archive-messages.ts';
import { ArchivedReader } from '../../archive/archived-reader.ts';
import { type ArchivesReport, checkArchives } from '../../archive/check-archives.ts';
import { Retention } from '../../archive/retention.ts';
import { withArchives } from '../../archive/with-archives.ts';
import { openPlace } from '../../object-store/open-place.ts';
import type { Store, StoreScan } from '../../store/store.ts';
import type { ProcessOptions } from './process-options.ts';
import { reportOnce } from './report-once.ts';

export interface Archives {
  /** The store, with what is in archives to be read as if it were still there. */
  readonly readable: Store;
  /** Archives what has not changed for so long; `to`: a folder or s3://bucket/prefix, else the server's own place. */
  archive(olderThanMs: number, to: string | null): Promise<ArchiveReport>;
}

const open = (place: string) => openPlace(place, process.env, ARCHIVES);

/** Archives of a server's store, and what moves old messages there when the server is told to. */
export function openArchives(
  opened: AsyncDisposableStack,
  store: Store,
  dataDir: string,
  { archive, retainMs, log }: ProcessOptions,
): Archives {
  const usual = archive ?? join(dataDir, 'archive');
  const place = (to: string): string => (to.includes('://') ? to : resolve(dataDir, to));
  if (retainMs !== undefined) {
    const retention = new Retention(store, {
      retainMs,
      objects: open(place(usual)),
      onReport: ({ messages, archives }) =>
        log(`archived ${messages} messages in ${archives.length} files at ${place(usual)}`),
      onFault: reportOnce(log),
    });
    opened.defer(() => retention.close());
  }
  return {
    readable: withArchives(store, new ArchivedReader(store, open)),
    archive: (olderThanMs, to) =>
      archiveMessages(store, open(place(to ?? usual)), { before: store.now() - olderThanMs }),
  };
}

/** Verifies the archives that a store knows. */
export function fsckArchives(scan: Pick<StoreScan, 'archives'>): Promise<ArchivesReport> {
  return checkArchives(scan, open);
}
