import { CoaxError } from '../../../errors/coax-error.ts';
import { parseManifest } from '../../format/manifest.ts';
import { type PublishedPackage, targetObject } from '../published.ts';
import { contentObject, hashesOf } from '../repository-contents.ts';
import { isFileName, type RepositoryObjects } from '../repository-files.ts';
import type { GarbageBook, GarbageKind, StoredName } from './garbage-book.ts';

export interface CollectOptions {
  /** What nothing has named for so long is deleted. */
  readonly graceMs: number;
  /** Ms since 1970. */
  readonly now: number;
  /** Only says what would be deleted. */
  readonly dryRun: boolean;
}

export interface CollectReport {
  /** Files that published packages need. */
  readonly needed: number;
  /** Files that nothing names, and whose time is not over. */
  readonly waiting: number;
  /** Deleted, or what would be: `contents/…`, `targets/…`. */
  readonly removed: readonly string[];
  /** When the first of those that wait may go, ms since 1970; null when none waits. */
  readonly next: number | null;
}

/**
 * Deletes manifests and contents that no published package names and none has named for the grace period. What a publisher has brought and not yet
 * published is among them; it has as long. Errors: COAX_REPOSITORY_STATE when a manifest that is published cannot be read, since what it names is not
 * known then. Null while another server does it.
 */
export async function collectGarbage(
  published: readonly PublishedPackage[],
  objects: RepositoryObjects,
  book: GarbageBook,
  options: CollectOptions,
): Promise<CollectReport | null> {
  if (options.dryRun) return collect(published, objects, book, options, 0);
  const turn = await book.takeTurn();
  if (turn === null) return null;
  try {
    return await collect(published, objects, book, options, turn);
  } finally {
    await book.endTurn(turn);
  }
}

async function collect(
  published: readonly PublishedPackage[],
  objects: RepositoryObjects,
  book: GarbageBook,
  { graceMs, now, dryRun }: CollectOptions,
  turn: number,
): Promise<CollectReport> {
  const needed = await neededBy(published, objects);
  const removed: string[] = [];
  let waiting = 0;
  let next: number | null = null;
  for (const kind of ['targets', 'contents'] as const) {
    const stored = (await objects[kind].list()).filter(name => isFileName(kind, name));
    const since = await book.note(
      kind,
      stored.filter(name => !needed[kind].has(name)),
    );
    for (const [name, from] of since) {
      if (
        from > now - graceMs ||
        (!dryRun && !(await remove({ kind, name }, now - graceMs, turn, objects, book)))
      ) {
        waiting += 1;
        next = Math.min(next ?? Number.MAX_SAFE_INTEGER, from + graceMs);
        continue;
      }
      removed.push(`${kind}/${name}`);
    }
  }
  return { needed: needed.targets.size + needed.contents.size, waiting, removed, next };
}

async function remove(
  file: StoredName,
  since: number,
  turn: number,
  objects: RepositoryObjects,
  book: GarbageBook,
): Promise<boolean> {
  if (!(await book.doom(file, since, turn))) return false;
  await objects[file.kind].remove(file.name);
  await book.forget(file);
  return true;
}

async function neededBy(
  published: readonly PublishedPackage[],
  objects: RepositoryObjects,
): Promise<Record<GarbageKind, Set<string>>> {
  const needed = { targets: new Set<string>(), contents: new Set<string>() };
  for (const each of published) {
    const name = targetObject(each);
    needed.targets.add(name);
    const bytes = await objects.targets.get(name);
    if (bytes === null)
      throw new CoaxError(
        'COAX_REPOSITORY_STATE',
        `the manifest of ${each.name}@${each.version} is not stored`,
        {
          where: name,
          hint: 'Nothing was deleted. `coax repository verify` tells what is wrong; `coax package publish` brings what is missing.',
        },
      );
    for (const sha256 of hashesOf(parseManifest(bytes, name))) needed.contents.add(contentObject(sha256));
  }
  return needed;
}
