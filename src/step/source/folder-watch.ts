import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';

/** Inotify tells within milliseconds; where it does not work (some network folders), this does. */
const RESCAN_MS = 1000;
/** An editor writes a file in several steps; one look after the last is enough. */
const SETTLE_MS = 30;

/** Calls back soon after something under the folders may have changed, and once a second besides, until it is closed. */
export function watchFolders(dirs: readonly string[], onChange: () => void): { close(): void } {
  let settling: NodeJS.Timeout | null = null;
  const soon = (): void => {
    settling ??= setTimeout(() => {
      settling = null;
      onChange();
    }, SETTLE_MS).unref();
  };
  const watchers = dirs.map(dir => watchFolder(dir, soon)).filter(watcher => watcher !== null);
  const rescan = setInterval(onChange, RESCAN_MS).unref();
  return {
    close() {
      clearInterval(rescan);
      if (settling !== null) clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function watchFolder(dir: string, soon: () => void): FSWatcher | null {
  try {
    const watcher = watch(dir, { recursive: true, persistent: false }, soon);
    // A folder that is deleted, or too many watches: the rescan goes on without it.
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}

/** Names in a folder, sorted, dot files left out; empty when it is not there. */
export function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir)
      .filter(name => !name.startsWith('.'))
      .sort();
  } catch {
    return [];
  }
}

/** Changes whenever the file does; empty when it is not there. */
export function signatureOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.mtimeNs}.${stat.ctimeNs}.${stat.size}.${stat.ino}.${stat.mode}`;
}

/** Changes whenever a file in one of the folder's folders does. */
export function signatureOfFolders(dir: string): string {
  const parts: string[] = [];
  for (const name of namesIn(dir)) {
    const folder = join(dir, name);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    parts.push(name, ...namesIn(folder).map(entry => `${entry} ${signatureOf(join(folder, entry))}`));
  }
  return parts.join('\n');
}
