import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** `copy`: copy what the log holds into the database, and tell when that is done. `end`: end. */
export type ToThread = 'copy' | 'end';

/** Pages that are left to the writers' connection: copying them takes it no longer than a small transaction. */
const LEFT_MAX = 100;
/** While one pass copies, more pages come: each pass has a fraction of the one before. */
const PASSES_MAX = 4;

// What is copied is synced before the log may be written over: as for the writers themselves.
const database = new DatabaseSync(workerData as string, { timeout: 5000 });
database.exec('PRAGMA synchronous = FULL');
const copy = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');
copy.setReturnArrays(true);

function copyLog(): void {
  for (let pass = 0; pass < PASSES_MAX; pass++) {
    const [, pages, copied] = copy.get() as unknown as [number, number, number];
    if (pages - copied <= LEFT_MAX) return;
  }
}

parentPort?.on('message', (message: ToThread) => {
  if (message === 'end') {
    database.close();
    parentPort?.close();
    return;
  }
  try {
    copyLog();
  } catch {
    // A full disk: everything is in the log, and the next time tries again.
  }
  parentPort?.postMessage('copied');
});
