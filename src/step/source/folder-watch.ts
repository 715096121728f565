import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { basename, join } from 'node:path';

/** Inotify tells within milliseconds; where it does not work (some network folders), this does. */
const RESCAN_MS = 1000;
/** An editor writes a file in several steps; one look after the last is enough. */
const SETTLE_MS = 30;

/**
 * Calls back soon after something in the folders, or in a folder directly inside them, has changed, and once a second
 * besides, until it is closed. Folders need not exist yet.
 */
export function watchFolders(dirs: readonly string[], onChange: () => void): { close(): void } {
  const watchers = new Map<string, FSWatcher>();
  let settling: NodeJS.Timeout | null = null;
  const soon = (): void => {
    settling ??= setTimeout(() => {
      settling = null;
      look();
    }, SETTLE_MS).unref();
  };
  const look = (): void => {
    for (const folder of dirs.flatMap(dir => [dir, ...foldersIn(dir)])) {
      if (!watchers.has(folder)) watchFolder(folder, soon, watchers);
    }
    onChange();
  };
  look();
  const rescan = setInterval(look, RESCAN_MS).unref();
  return {
    close() {
      clearInterval(rescan);
      if (settling !== null) clearTimeout(settling);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

function watchFolder(folder: string, soon: () => void, watchers: Map<string, FSWatcher>): void {
  try {
    const watcher = watch(folder, { persistent: false });
    const forget = (): void => {
      watcher.close();
      watchers.delete(folder);
    };
    watcher.on('change', (event, name) => {
      // A folder that was deleted tells of itself, and then nothing more: it may come back as another one.
      if (event === 'rename' && name === basename(folder)) forget();
      soon();
    });
    watcher.on('error', forget);
    watchers.set(folder, watcher);
  } catch {
    // Not there yet, or no watches left: the rescan does without.
  }
}

function foldersIn(dir: string): string[] {
  return namesIn(dir)
    .map(name => join(dir, name))
    .filter(path => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
}

/** Names in a folder, sorted, dot files and `node_modules` left out; empty when it is not there. */
export function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir)
      .filter(name => !name.startsWith('.') && name !== 'node_modules')
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
  return foldersIn(dir)
    .flatMap(folder => [folder, ...namesIn(folder).map(name => `${name} ${signatureOf(join(folder, name))}`)])
    .join('\n');
}
