import { rcompare, satisfies, validRange } from 'semver';
import { CoaxError } from '../../errors/coax-error.ts';
import type { ContentSource } from '../content-source.ts';
import { digestOf, type Manifest, parseManifest } from '../format/manifest.ts';

/** A package that is to stand on the host, with the bytes that its identity is of. */
export interface Chosen {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** What stands on a host, by name. */
export type Standing = ReadonlyMap<string, Manifest>;

/**
 * Chooses a version of a package, and of everything that it depends on and that does not stand here well enough: the newest
 * that suits all that need it. What suits already stays. The result is checked as a whole.
 * Errors: COAX_PACKAGE_NOT_FOUND, COAX_PACKAGE_DEPENDENCY, COAX_PACKAGE_REFUSED.
 */
export async function resolve(
  wanted: { readonly name: string; readonly range: string },
  standing: Standing,
  source: ContentSource,
  signal?: AbortSignal,
): Promise<Chosen[]> {
  const chosen = new Map<string, Chosen>();
  const open = [{ ...wanted, by: '' }];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const { name, range, by } = next;
    const before = chosen.get(name)?.manifest ?? (by === '' ? undefined : standing.get(name));
    if (before !== undefined && satisfies(before.version, range, { includePrerelease: true })) continue;
    if (chosen.has(name))
      throw dependency(name, `${by} needs ${name} ${range}, and ${before!.version} was chosen for another`);
    const ranges = by === '' ? [range] : [range, ...rangesOf(name, standing, chosen)];
    const choice = await newest(name, ranges, by, source, signal);
    assertRunsHere(choice.manifest);
    chosen.set(name, choice);
    for (const [needed, of] of Object.entries(choice.manifest.dependencies))
      open.push({ name: needed, range: of, by: `${name} ${choice.manifest.version}` });
  }
  const after = new Map(standing);
  for (const [name, { manifest }] of chosen) after.set(name, manifest);
  assertComplete(after);
  return [...chosen.values()];
}

/** What those who stay want of a package. */
function rangesOf(name: string, standing: Standing, chosen: ReadonlyMap<string, Chosen>): string[] {
  return [...standing.values()].flatMap(({ name: other, dependencies }) =>
    chosen.has(other) || dependencies[name] === undefined ? [] : [dependencies[name]],
  );
}

async function newest(
  name: string,
  ranges: readonly string[],
  by: string,
  source: ContentSource,
  signal?: AbortSignal,
): Promise<Chosen> {
  const versions = await source.versions(name, signal);
  const fit = versions.filter(version => ranges.every(range => satisfies(version, range))).sort(rcompare);
  if (fit[0] === undefined) {
    const known = [...versions].sort(rcompare).slice(0, 5).join(', ');
    const has = versions.length === 0 ? 'does not know it' : `has ${known}`;
    const which = ranges.filter(range => range !== '*').join(' and ');
    const what = `${which === '' ? 'package ' : ''}${name}${which === '' ? '' : ` ${which}`}`;
    throw new CoaxError(
      by === '' ? 'COAX_PACKAGE_NOT_FOUND' : 'COAX_PACKAGE_DEPENDENCY',
      `there is no ${what}${by === '' ? '' : `, which ${by} needs`}: ${source.name} ${has}`,
      { where: name },
    );
  }
  return await choiceOf(name, fit[0], source, signal);
}

/** The manifest of a version, checked to be of that one. */
async function choiceOf(
  name: string,
  version: string,
  source: ContentSource,
  signal?: AbortSignal,
): Promise<Chosen> {
  const bytes = await source.manifest(name, version, signal);
  const manifest = parseManifest(bytes, `${name} ${version}`);
  if (manifest.name !== name || manifest.version !== version)
    throw new CoaxError(
      'COAX_PACKAGE_REFUSED',
      `${source.name} gave ${manifest.name} ${manifest.version} for ${name} ${version}`,
      { where: name },
    );
  return { manifest, bytes, digest: digestOf(bytes) };
}

function assertRunsHere({ name, version, architecture }: Manifest): void {
  if (architecture !== 'any' && architecture !== process.arch)
    throw dependency(name, `${name} ${version} is for ${architecture}, and this host is ${process.arch}`);
}

/** Has every package what it depends on? Names all that has not. Errors: COAX_PACKAGE_DEPENDENCY. */
export function assertComplete(packages: Standing): void {
  const faults = [...packages.values()].flatMap(({ name, version, dependencies }) =>
    Object.entries(dependencies).flatMap(([needed, range]) => {
      const there = packages.get(needed)?.version;
      if (there !== undefined && satisfies(there, range, { includePrerelease: true })) return [];
      const instead = there === undefined ? `${needed} would not be there` : `${needed} would be ${there}`;
      return [{ where: name, reason: `${name} ${version} needs ${needed} ${range}, and ${instead}` }];
    }),
  );
  if (faults.length === 0) return;
  throw new CoaxError('COAX_PACKAGE_DEPENDENCY', faults.map(({ reason }) => reason).join('; '), {
    where: faults[0]!.where,
    faults,
  });
}

/**
 * What `NAME@VERSION` asks for. A version is that one alone; a range, such as ^1.2, the newest in it; nothing, the newest of
 * all. Errors: COAX_USAGE.
 */
export function parseWanted(text: string): { readonly name: string; readonly range: string } {
  const at = text.indexOf('@');
  const name = at < 0 ? text : text.slice(0, at);
  const range = at < 0 ? '' : text.slice(at + 1);
  if (!/^[a-z0-9-]+$/.test(name) || (at >= 0 && range === '') || validRange(range) === null) {
    throw new CoaxError('COAX_USAGE', `${JSON.stringify(text)} is no package`, {
      where: text,
      hint: 'NAME, NAME@1.4.2 or NAME@^1.4',
    });
  }
  return { name, range: range || '*' };
}

function dependency(where: string, reason: string): CoaxError {
  return new CoaxError('COAX_PACKAGE_DEPENDENCY', reason, { where });
}
