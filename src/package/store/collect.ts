import { type Disk, removeAll } from './disk.ts';
import { type Generations, previousOf } from './generations.ts';
import type { Layout } from './layout.ts';
import type { Trees } from './trees.ts';

/** What was taken away. */
export interface Collected {
  readonly versions: readonly { readonly name: string; readonly version: string }[];
  readonly contents: number;
  /** Bytes of those contents. */
  readonly bytes: number;
}

/**
 * Takes away every version that is neither the current nor the previous one of a package that stands here, and every content
 * that no version left has. A removed package cannot be brought back afterwards. Ended at any instant, it may be begun again.
 */
export async function collect(
  disk: Disk,
  layout: Layout,
  trees: Trees,
  generations: Generations,
): Promise<Collected> {
  await forget(generations);
  const { packages } = await generations.current();
  const versions: { name: string; version: string }[] = [];
  const kept = new Set<string>();
  for (const name of await trees.names()) {
    const placed = packages[name];
    for (const version of await trees.versions(name)) {
      if (placed !== undefined && (version === placed.version || version === previousOf(placed)))
        for (const file of await contentsOf(trees, layout, name, version)) kept.add(file);
      else {
        await takeAway(disk, layout, layout.tree(name, version), `${layout.versions}/${name}`);
        versions.push({ name, version });
      }
    }
    if ((await trees.versions(name)).length === 0) await disk.removeFolder(`${layout.versions}/${name}`);
  }
  let contents = 0;
  let bytes = 0;
  for (const folder of await disk.list(layout.content)) {
    const files = await disk.list(`${layout.content}/${folder}`);
    for (const name of files) {
      const file = `${layout.content}/${folder}/${name}`;
      if (kept.has(file)) continue;
      bytes += (await disk.look(file))?.size ?? 0;
      contents++;
      await removeAll(disk, file);
    }
    if ((await disk.list(`${layout.content}/${folder}`)).length === 0)
      await disk.removeFolder(`${layout.content}/${folder}`);
  }
  return { versions, contents, bytes };
}

/** A generation that knows no removed packages, and of each other one what stood last before: nothing keeps more any more. */
async function forget(generations: Generations): Promise<void> {
  const { packages } = await generations.current();
  const kept = Object.entries(packages).flatMap(([name, placed]) =>
    placed.version === null ? [] : [[name, { ...placed, before: placed.before.slice(0, 1) }] as const],
  );
  const isLess = Object.values(packages).some(({ version, before }) => version === null || before.length > 1);
  if (!isLess) return;
  const next = await generations.make(() => Object.fromEntries(kept));
  await generations.switchTo(next.number);
  await generations.tidy();
}

async function contentsOf(trees: Trees, layout: Layout, name: string, version: string): Promise<string[]> {
  const found = await trees.manifest(name, version);
  return (found?.manifest.entries ?? []).flatMap(entry =>
    entry.type === 'file' ? [layout.contentFile(entry)] : [],
  );
}

/** No version is ever seen half gone under its name. */
async function takeAway(disk: Disk, layout: Layout, path: string, folder: string): Promise<void> {
  const staged = `${layout.staging}/gone`;
  await removeAll(disk, staged);
  await disk.rename(path, staged);
  await disk.syncFolder(folder);
  await removeAll(disk, staged);
}
