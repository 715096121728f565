import { setTimeout as sleep } from 'node:timers/promises';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import type { HookName, Manifest } from '../format/manifest.ts';
import {
  type Generation,
  type Generations,
  type PlacedPackage,
  placedAfter,
  placedBefore,
} from '../store/generations.ts';
import type { Layout } from '../store/layout.ts';
import type { Trees } from '../store/trees.ts';
import type { CommandPlace, RunCommand } from './commands.ts';
import { assertComplete, type Standing } from './resolve.ts';

/** Versions to switch to, by name; null: the package goes away. */
export type Changes = ReadonlyMap<string, string | null>;

export interface SwitchParts {
  readonly layout: Layout;
  readonly trees: Trees;
  readonly generations: Generations;
  readonly run: RunCommand;
  /** A line about what is done. */
  readonly log: (line: string) => void;
}

export interface SwitchWish {
  /** What asks for it: kept with each package that changes. */
  readonly by: string;
  /**
   * What changes is known again as it was before its last change. When a hook or a check fails then, it stays so all the same,
   * and that is said: an undo has nowhere better to go.
   */
  readonly isUndo: boolean;
  readonly signal?: AbortSignal;
}

/** One package that changes. */
interface Change {
  readonly name: string;
  readonly from: Manifest | null;
  readonly to: Manifest | null;
  /** Of the manifest of `to`. */
  readonly digest: string | null;
}

/**
 * Switches packages of a host, all at one instant: hooks before, one rename, hooks and health checks after. When those fail,
 * all switch back at one instant. Gives the generation that stands then; that of before when nothing changes.
 * Errors: COAX_PACKAGE_UNHEALTHY, COAX_PACKAGE_DEPENDENCY, COAX_PACKAGE_NOT_FOUND, COAX_PACKAGE_CORRUPT.
 */
export async function switchPackages(
  parts: SwitchParts,
  wished: Changes,
  wish: SwitchWish,
): Promise<Generation> {
  const { generations } = parts;
  const before = await generations.current();
  const standing = await manifestsOf(parts.trees, before);
  const changes = await changesOf(parts.trees, wished, before, standing);
  if (changes.length === 0) return before;
  const after = new Map(standing);
  for (const { name, to } of changes)
    if (to) after.set(name, to);
    else after.delete(name);
  assertComplete(after);
  for (const change of changes) await runHook(parts, change, wish.signal);
  wish.signal?.throwIfAborted();
  const next = await generations.make(number => nextPackages(before, changes, number, wish));
  await generations.begin(before.number, next.number);
  await generations.switchTo(next.number);
  parts.log(changes.map(({ name, to }) => `${name} ${to?.version ?? 'removed'}`).join(', '));
  const fault = await checkAll(parts, changes, wish.signal);
  if (fault === null || wish.isUndo) {
    await generations.end();
    await generations.tidy();
    if (fault === null) return next;
    throw new CoaxError('COAX_PACKAGE_UNHEALTHY', fault, {
      hint: 'It was put back as asked, and stays so.',
    });
  }
  await switchBack(parts, before, changes);
  throw new CoaxError('COAX_PACKAGE_UNHEALTHY', `${fault}; switched back`, {
    where: changes[0]!.name,
    detail: { fault },
  });
}

/**
 * Ends a switch that was begun and not ended, by a crash or a loss of power: what stood before it stands again. Then takes
 * away what was being made. Says whether there was such a switch.
 */
export async function recover(parts: SwitchParts): Promise<boolean> {
  const { generations, trees } = parts;
  const pending = await generations.pending();
  // Whoever was here may have been ended before its last changes were made to last.
  if (pending !== null) await generations.last();
  const current = await generations.current();
  if (pending !== null && current.number === pending.to && pending.to !== pending.from) {
    const before = await generations.read(pending.from);
    const wished = new Map<string, string | null>();
    for (const name of new Set([...Object.keys(before.packages), ...Object.keys(current.packages)]))
      wished.set(name, current.packages[name]?.version ?? null);
    // What was changed by hand meanwhile must not keep the host from going back.
    const changes = await manifestsOf(trees, before)
      .then(standing => changesOf(trees, wished, before, standing))
      .catch(error => {
        parts.log(`no hooks run: ${textOf(error)}`);
        return [];
      });
    await switchBack(parts, before, changes);
    parts.log('a switch that was not ended is taken back');
    return true;
  }
  if (pending !== null) await generations.end();
  await generations.tidy();
  return false;
}

/** The hooks that ran for the new versions run for the old ones: what was started anew is so again. */
async function switchBack(parts: SwitchParts, before: Generation, changes: readonly Change[]): Promise<void> {
  await parts.generations.switchTo(before.number);
  for (const { name, from, to } of changes) {
    if (from === null) continue;
    const fault = await hookFault(parts, from, 'after_switch', to?.version ?? '');
    if (fault !== null) parts.log(`${name} ${from.version} stands again, but ${fault}`);
  }
  await parts.generations.end();
  await parts.generations.tidy();
}

/** Manifests of all that stands on the host. Errors: COAX_PACKAGE_CORRUPT. */
export async function manifestsOf(trees: Trees, { packages }: Generation): Promise<Standing> {
  const manifests = new Map<string, Manifest>();
  for (const [name, { version }] of Object.entries(packages))
    if (version !== null) manifests.set(name, (await manifestOf(trees, name, version)).manifest);
  return manifests;
}

async function manifestOf(
  trees: Trees,
  name: string,
  version: string,
): Promise<{ manifest: Manifest; digest: string }> {
  const found = await trees.manifest(name, version);
  if (found !== null) return found;
  throw new CoaxError('COAX_PACKAGE_NOT_FOUND', `${name} ${version} does not lie on this host`, {
    where: name,
    hint: `\`coax package install ${name}@${version}\` brings it.`,
  });
}

async function changesOf(
  trees: Trees,
  wished: Changes,
  before: Generation,
  standing: Standing,
): Promise<Change[]> {
  const changes: Change[] = [];
  for (const [name, version] of wished) {
    if ((before.packages[name]?.version ?? null) === version) continue;
    const to = version === null ? null : await manifestOf(trees, name, version);
    changes.push({
      name,
      from: standing.get(name) ?? null,
      to: to?.manifest ?? null,
      digest: to?.digest ?? null,
    });
  }
  return changes;
}

function nextPackages(
  before: Generation,
  changes: readonly Change[],
  number: number,
  { by, isUndo }: SwitchWish,
): Record<string, PlacedPackage> {
  const packages = new Map(Object.entries(before.packages));
  for (const { name, to, digest } of changes) {
    const old = packages.get(name);
    const next = isUndo
      ? placedBefore(old!)
      : placedAfter(old, { version: to?.version ?? null, digest, since: number, by });
    if (next === null) packages.delete(name);
    else packages.set(name, next);
  }
  return Object.fromEntries([...packages].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Before anything is switched; a hook that fails ends all. */
async function runHook(parts: SwitchParts, { from, to }: Change, signal?: AbortSignal): Promise<void> {
  const fault = to
    ? await hookFault(parts, to, 'before_switch', from?.version ?? '', signal)
    : await hookFault(parts, from!, 'before_remove', '', signal);
  if (fault === null) return;
  throw new CoaxError('COAX_PACKAGE_UNHEALTHY', `${fault}; nothing was switched`, {
    where: (to ?? from)!.name,
    detail: { fault },
  });
}

async function checkAll(
  parts: SwitchParts,
  changes: readonly Change[],
  signal?: AbortSignal,
): Promise<string | null> {
  for (const { from, to } of changes) {
    if (to === null) continue;
    const fault =
      (await hookFault(parts, to, 'after_switch', from?.version ?? '', signal)) ??
      (await healthFault(parts, to, from?.version ?? '', signal));
    if (fault !== null) return fault;
  }
  return signal?.aborted ? 'the step was told to end' : null;
}

async function hookFault(
  parts: SwitchParts,
  manifest: Manifest,
  name: HookName,
  previous: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const hook = manifest.hooks[name];
  if (hook === undefined) return null;
  const fault = await parts.run(hook, placeOf(parts.layout, manifest, previous), signal);
  return fault && `the hook ${name} of ${manifest.name} ${manifest.version} failed: ${fault}`;
}

/** Asks after the health of a package, as often as it says. Null: it is well. */
export async function healthFault(
  { layout, run }: SwitchParts,
  manifest: Manifest,
  previous: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const { health, name, version } = manifest;
  if (health === null) return null;
  for (let attempt = 1; ; attempt++) {
    const fault = await run(health, placeOf(layout, manifest, previous), signal);
    if (fault === null) return null;
    if (attempt >= health.attempts || signal?.aborted)
      return `${name} ${version} is not healthy, asked ${attempt} ${attempt === 1 ? 'time' : 'times'}: ${fault}`;
    await sleep(health.everyMs, undefined, signal ? { signal } : {}).catch(() => {});
  }
}

const placeOf = (layout: Layout, { name, version }: Manifest, previous: string): CommandPlace => ({
  name,
  version,
  previous,
  files: layout.files(name, version),
  current: layout.current,
});
