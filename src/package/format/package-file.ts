import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { CoaxError, type Fault } from '../../errors/coax-error.ts';
import { parseDuration } from '../../flow/duration.ts';
import { didYouMean } from '../../flow/nearest.ts';
import { limitsText } from '../../step/executable/limits.ts';
import {
  Architecture,
  Dependencies,
  entryFaults,
  type Manifest,
  type ManifestEntry,
  PackageName,
  PackageVersion,
} from './manifest.ts';

const LENGTH_MAX = 256 * 1024;
const HINT =
  'A package.yaml: {name: web, version: 1.0.0, health: {command: [bin/check]}}; docs/how-to/host-packages.md has all of it.';

const duration = (leastMs: number) =>
  z.string().transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== null && ms >= leastMs) return ms;
    context.addIssue(`${JSON.stringify(text)} is no length of time such as 10s or 2m`);
    return z.NEVER;
  });
const command = z
  .array(z.union([z.string(), z.number().transform(String)]))
  .min(1, 'a program and what it is given: [bin/check, --quick]');
const Hook = z.strictObject({ command, timeout: duration(1).default(30_000), limits: limitsText.optional() });
const HealthText = z.strictObject({
  command,
  timeout: duration(1).default(10_000),
  attempts: z.int().min(1).max(1000).default(3),
  every: duration(0).default(1000),
  limits: limitsText.optional(),
});
const HooksText = z.strictObject({
  before_switch: Hook.optional(),
  after_switch: Hook.optional(),
  before_remove: Hook.optional(),
});
const PackageText = z.strictObject({
  name: PackageName,
  version: PackageVersion,
  architecture: Architecture.default('any'),
  about: z.string().max(1000).default(''),
  dependencies: Dependencies.default({}),
  health: HealthText.optional(),
  hooks: HooksText.default({}),
});
const KEYS: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(PackageText.shape),
  health: Object.keys(HealthText.shape),
  hooks: Object.keys(HooksText.shape),
};

const keysAt = (place: string): readonly string[] =>
  KEYS[place] ?? Object.keys((place.endsWith('.limits') ? limitsText : Hook).shape);

/** What `package.yaml` says: all of a manifest but the entries. */
export interface PackageFile {
  /** The manifest with those entries. Errors: COAX_PACKAGE_INVALID, at the line of package.yaml where that is the cause. */
  with(entries: readonly ManifestEntry[]): Manifest;
}

/** Reads a package.yaml (YAML 1.2). Errors: COAX_PACKAGE_INVALID with every fault at its line. */
export function parsePackageFile(text: string, file: string): PackageFile {
  if (text.length > LENGTH_MAX)
    throw invalid([{ where: file, reason: `the text is longer than ${LENGTH_MAX} characters` }]);
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    schema: 'core',
  });
  const whereOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] };
      if (node?.range) return whereOf(node.range[0]);
    }
    return file;
  };
  if (document.errors.length > 0) {
    throw invalid(
      document.errors.map(({ message, pos }) => ({ where: whereOf(pos[0]), reason: `not YAML: ${message}` })),
    );
  }
  const parsed = PackageText.safeParse(document.toJS({ maxAliasCount: 50 }) ?? {});
  if (!parsed.success) {
    throw invalid(parsed.error.issues.flatMap(issue => faultsOf(issue, placeOf)));
  }
  const known = manifestOf(parsed.data);
  return {
    with(entries) {
      const manifest = { ...known, entries: [...entries] };
      const faults = entryFaults(manifest).map(({ where, reason }) => {
        const path = where.startsWith('/') ? where.slice(1).split('/') : [];
        return { where: path.length > 0 ? placeOf(path) : `files/${where}`, reason };
      });
      if (faults.length > 0) throw invalid(faults);
      return manifest;
    },
  };
}

function faultsOf(issue: z.core.$ZodIssue, placeOf: (path: readonly PropertyKey[]) => string): Fault[] {
  const place = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') {
    const missing = issue.code === 'invalid_type' && issue.message.includes('received undefined');
    const reason = missing ? `\`${place}\` is missing` : `${place || 'the file'}: ${issue.message}`;
    return [{ where: placeOf(issue.path), reason }];
  }
  return issue.keys.map(key => ({
    where: placeOf([...issue.path, key]),
    reason: `unknown key "${place ? `${place}.` : ''}${key}"${didYouMean(key, keysAt(place))}`,
  }));
}

function manifestOf(text: z.output<typeof PackageText>): Omit<Manifest, 'entries'> {
  const { health, hooks, ...rest } = text;
  const hookOf = ({ command, timeout, limits }: z.output<typeof Hook>) => ({
    command,
    timeoutMs: timeout,
    ...(limits && { limits }),
  });
  return {
    format: 1,
    ...rest,
    health: health ? { ...hookOf(health), attempts: health.attempts, everyMs: health.every } : null,
    hooks: Object.fromEntries(
      Object.entries(hooks).flatMap(([name, hook]) => (hook ? [[name, hookOf(hook)]] : [])),
    ),
  };
}

function invalid(faults: readonly Fault[]): CoaxError {
  const [first] = faults;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  return new CoaxError('COAX_PACKAGE_INVALID', `${first!.reason}${more}`, {
    where: first!.where,
    hint: HINT,
    faults: faults.slice(0, 20),
  });
}
