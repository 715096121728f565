import { hash } from 'node:crypto';
import { valid, validRange } from 'semver';
import { z } from 'zod';
import { CoaxError, type Fault } from '../../errors/coax-error.ts';
import { limitsText } from '../../step/executable/limits.ts';
import { comparePaths, foldedPath, folderOf, followLink, pathFault } from './paths.ts';

/** What a manifest may be at most. The sum of sizes is bounded by whoever unpacks. */
export const MANIFEST_BYTES_MAX = 32 * 1024 * 1024;
const ENTRIES_MAX = 200_000;
const FAULTS_MAX = 20;

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Name of a package: as a host's, so that it may stand in paths and addresses. */
export const PackageName = z
  .string()
  .regex(NAME, 'small letters, digits and -, 63 at most, no - at either end');
/** A version as semver.org writes it, without build metadata: two versions that rank the same would have two names. */
export const PackageVersion = z
  .string()
  .max(128)
  .refine(
    text => valid(text) === text && !text.includes('+'),
    'a version as semver.org has it, such as 1.4.2 or 2.0.0-rc.1',
  );
/** Node's names of processors; `any` for packages without machine code. */
export const Architecture = z.enum(['any', 'x64', 'arm64']);
export const Dependencies = z.record(
  PackageName,
  z
    .string()
    .min(1)
    .max(256)
    .refine(text => validRange(text) !== null, 'a range of versions such as ^2.0.0'),
);

const Command = z.strictObject({
  /** The program, a path in the package or an absolute one of the host, and what it is given. No shell reads it. */
  command: z
    .array(
      z
        .string()
        .max(4096)
        .refine(text => !text.includes('\0'), 'has a NUL'),
    )
    .min(1)
    .max(100),
  timeoutMs: z.int().min(1).max(3_600_000),
  /** What it may use; none if absent. */
  limits: limitsText.optional(),
});
const HealthCheck = Command.extend({
  attempts: z.int().min(1).max(1000),
  /** From the end of one attempt to the next. */
  everyMs: z.int().min(0).max(600_000),
});
const HookName = z.enum(['before_switch', 'after_switch', 'before_remove']);
const Path = z.string().refine(path => pathFault(path) === null, {
  error: ({ input }) => pathFault(String(input)) ?? '',
});
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 hex digits');
const Entry = z.discriminatedUnion('type', [
  z.strictObject({ path: Path, type: z.literal('folder') }),
  z.strictObject({
    path: Path,
    type: z.literal('file'),
    mode: z.enum(['0644', '0755']),
    size: z.int().min(0),
    sha256: Sha256,
  }),
  z.strictObject({ path: Path, type: z.literal('link'), target: z.string().min(1).max(1024) }),
]);

const ManifestText = z.strictObject({
  format: z.literal(1),
  name: PackageName,
  version: PackageVersion,
  architecture: Architecture,
  about: z.string().max(1000),
  dependencies: Dependencies,
  health: HealthCheck.nullable(),
  hooks: z.partialRecord(HookName, Command),
  entries: z.array(Entry).max(ENTRIES_MAX),
});

/** What a package is: the content of its `manifest.json`. Entries stand in the order of their paths, folders first. */
export type Manifest = z.output<typeof ManifestText>;
export type ManifestEntry = z.output<typeof Entry>;
export type FileEntry = Extract<ManifestEntry, { type: 'file' }>;
export type PackageCommand = z.output<typeof Command>;
export type HookName = z.output<typeof HookName>;

/** The identity of a package: SHA-256 of its manifest, which names the SHA-256 of every file. */
export const digestOf = (manifest: Uint8Array): string => hash('sha256', manifest);

/** The bytes of a manifest, the same for the same package. */
export function manifestBytes(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(ManifestText.parse(manifest))}\n`);
}

/**
 * Reads the bytes of a manifest and checks all that it says of paths, links and programs. Nothing that comes from elsewhere
 * is unpacked by a manifest that did not pass here. Errors: COAX_PACKAGE_REFUSED with every fault (20 at most).
 */
export function parseManifest(bytes: Uint8Array, where: string): Manifest {
  if (bytes.length > MANIFEST_BYTES_MAX) {
    throw refused(where, [
      { where, reason: `the manifest has ${bytes.length} bytes; ${MANIFEST_BYTES_MAX} are allowed` },
    ]);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw refused(where, [{ where, reason: `the manifest is not JSON: ${(error as Error).message}` }]);
  }
  // Before anything is told of each of them.
  const entries = (raw as { entries?: unknown } | null)?.entries;
  if (Array.isArray(entries) && entries.length > ENTRIES_MAX) {
    throw refused(where, [
      { where: '/entries', reason: `the package has ${entries.length} entries; ${ENTRIES_MAX} are allowed` },
    ]);
  }
  const parsed = ManifestText.safeParse(raw);
  const faults = parsed.success
    ? entryFaults(parsed.data)
    : parsed.error.issues.map(issue => ({
        where: `/${issue.path.map(String).join('/')}`,
        reason: reasonOf(issue, raw),
      }));
  if (faults.length > 0) throw refused(where, faults);
  return parsed.data!;
}

/** A fault in an entry is told with its path, which people know, rather than its number. */
function reasonOf(issue: z.core.$ZodIssue, raw: unknown): string {
  const [first, at] = issue.path;
  if (first !== 'entries' || typeof at !== 'number') return issue.message;
  const path = (raw as { entries: { path?: unknown }[] }).entries[at]?.path;
  return typeof path === 'string' ? `${JSON.stringify(path.slice(0, 200))}: ${issue.message}` : issue.message;
}

function refused(where: string, faults: readonly Fault[]): CoaxError {
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new CoaxError('COAX_PACKAGE_REFUSED', `${faults[0]!.reason}${more}`, {
    where,
    faults: faults.slice(0, FAULTS_MAX),
  });
}

/** What is wrong with the entries and programs of a manifest that is well formed. */
export function entryFaults(manifest: Pick<Manifest, 'entries' | 'hooks' | 'health'>): Fault[] {
  const faults: Fault[] = [];
  const byPath = new Map<string, ManifestEntry>();
  const folded = new Map<string, string>();
  const links = new Map<string, string>();
  let before: string | null = null;
  const add = (path: string, reason: string) => {
    faults.push({ where: path, reason: `${JSON.stringify(path)}: ${reason}` });
  };
  for (const entry of manifest.entries) {
    const { path } = entry;
    if (byPath.has(path)) add(path, 'stands twice in the package');
    else if (before !== null && comparePaths(before, path) > 0) add(path, 'is out of order');
    const other = folded.get(foldedPath(path));
    if (other !== undefined && other !== path)
      add(path, `is told apart from ${JSON.stringify(other)} by case or the form of a letter only`);
    const folder = folderOf(path);
    if (folder !== '' && byPath.get(folder)?.type !== 'folder')
      add(path, `lies in ${JSON.stringify(folder)}, which is no folder of the package`);
    byPath.set(path, entry);
    folded.set(foldedPath(path), path);
    if (entry.type === 'link') links.set(path, entry.target);
    before = path;
  }
  for (const [path, target] of links) {
    const reason = linkFault(path, target, links, byPath);
    if (reason !== null) add(path, reason);
  }
  return [...faults, ...programFaults(manifest, byPath)];
}

function linkFault(
  path: string,
  target: string,
  links: ReadonlyMap<string, string>,
  entries: ReadonlyMap<string, ManifestEntry>,
): string | null {
  const shown = JSON.stringify(target);
  if (target.startsWith('/')) return `the link to ${shown} leads out of the package`;
  if (!target.isWellFormed() || /\p{C}/u.test(target))
    return `the link to ${shown} has characters that cannot be seen`;
  const end = followLink(path, links);
  if ('fault' in end) return `the link to ${shown} ${end.fault}`;
  if (end.to !== '' && !entries.has(end.to)) return `the link to ${shown} leads to nothing in the package`;
  return null;
}

function programFaults(
  { hooks, health }: Pick<Manifest, 'hooks' | 'health'>,
  entries: ReadonlyMap<string, ManifestEntry>,
): Fault[] {
  const commands = [
    ...(health ? [['/health/command', health] as const] : []),
    ...Object.entries(hooks).map(([name, hook]) => [`/hooks/${name}/command`, hook] as const),
  ];
  return commands.flatMap(([where, { command }]) => {
    const program = command[0]!;
    const reason = program.startsWith('/') ? null : programFault(program, entries.get(program));
    return reason === null ? [] : [{ where, reason: `${JSON.stringify(program)}: ${reason}` }];
  });
}

function programFault(program: string, entry: ManifestEntry | undefined): string | null {
  if (entry === undefined)
    return program.includes('/')
      ? 'there is no such file in the package'
      : 'write a path in the package (bin/check) or an absolute one (/usr/bin/test)';
  if (entry.type !== 'file') return 'is no file';
  return entry.mode === '0755' ? null : 'is not executable';
}
