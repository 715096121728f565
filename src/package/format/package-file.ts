import { z } from 'zod';
import { readConfig } from '../../config-file/read-config.ts';
import { CoaxError, type Fault } from '../../errors/coax-error.ts';
import { parseDuration } from '../../flow/duration.ts';
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
/** What `package.yaml` says: all of a manifest but the entries. */
export interface PackageFile {
  /** The manifest with those entries. Errors: COAX_PACKAGE_INVALID, at the line of package.yaml where that is the cause. */
  with(entries: readonly ManifestEntry[]): Manifest;
}

/** Reads a package.yaml (YAML 1.2). Errors: COAX_PACKAGE_INVALID with every fault at its line. */
export function parsePackageFile(text: string, file: string): PackageFile {
  const config = readConfig(text, file, PackageText);
  if ('faults' in config) throw invalid(config.faults);
  const known = manifestOf(config.value);
  return {
    with(entries) {
      const manifest = { ...known, entries: [...entries] };
      const faults = entryFaults(manifest).map(({ where, reason }) => {
        const path = where.startsWith('/') ? where.slice(1).split('/') : [];
        return { where: path.length > 0 ? config.placeOf(path) : `files/${where}`, reason };
      });
      if (faults.length > 0) throw invalid(faults);
      return manifest;
    },
  };
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
