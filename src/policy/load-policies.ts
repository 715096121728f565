import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CoaxError, textOf } from '../errors/coax-error.ts';
import type { RuleFunction, WeighFunction } from './facts.ts';
import type { PolicyBook } from './policy-book.ts';
import {
  type Builtin,
  builtinBook,
  invalid,
  parsePolicies,
  policiesOf,
  type RuleModule,
} from './read-policies.ts';

/**
 * The policies of a file, with the TypeScript files that it names; those that come with Coax when `file` is null. Read once: a
 * server that is to follow a change is started anew. Errors: COAX_POLICY_INVALID, COAX_USAGE when the file cannot be read.
 */
export async function loadPolicies(file: string | null, builtin: Builtin): Promise<PolicyBook> {
  if (file === null) return builtinBook(builtin);
  const parsed = parsePolicies(readPolicies(file), file);
  const filters: Record<string, RuleFunction> = {};
  const weighers: Record<string, WeighFunction> = {};
  for (const [i, path] of parsed.modules.entries()) {
    const fault = (reason: string): CoaxError =>
      invalid([parsed.faultAt(['modules', i], `${path}: ${reason}`)]);
    const module = await moduleAt(resolve(dirname(file), path), fault);
    for (const [name, filter] of functionsOf(module.filters, 'filters', fault))
      filters[name] = filter as RuleFunction;
    for (const [name, weigh] of functionsOf(module.weighers, 'weighers', fault)) {
      if (builtin.weighers.includes(name))
        throw fault(`a weigher "${name}" comes with Coax; choose another name`);
      weighers[name] = weigh as WeighFunction;
    }
  }
  return policiesOf(parsed, builtin, {
    filters: guarded(filters, textOf),
    weighers: guarded(weighers, () => 0),
  });
}

function readPolicies(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CoaxError('COAX_USAGE', `the placement file cannot be read: ${textOf(error)}`, {
      where: file,
      hint: 'Give its path with --placement, or put placement.yaml into the data directory.',
    });
  }
}

async function moduleAt(path: string, fault: (reason: string) => CoaxError): Promise<Partial<RuleModule>> {
  if (!existsSync(path)) throw fault('there is no such file');
  let exports: { default?: unknown };
  try {
    exports = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (error) {
    throw fault(textOf(error));
  }
  const value = exports.default;
  if (typeof value !== 'object' || value === null)
    throw fault('its default export is not {filters: {…}, weighers: {…}}');
  return value as Partial<RuleModule>;
}

function functionsOf(
  given: unknown,
  part: string,
  fault: (reason: string) => CoaxError,
): (readonly [string, unknown])[] {
  if (given === undefined) return [];
  if (typeof given !== 'object' || given === null) throw fault(`${part} is not an object of functions`);
  const entries = Object.entries(given);
  for (const [name, value] of entries)
    if (typeof value !== 'function') throw fault(`${part}.${name} is not a function`);
  return entries;
}

/** What a function of the user's throws is no defect of the scheduler: it stands for an answer. */
function guarded<F extends (...args: never[]) => unknown>(
  functions: Readonly<Record<string, F>>,
  onThrow: (error: unknown) => ReturnType<F>,
): Record<string, F> {
  return Object.fromEntries(
    Object.entries(functions).map(([name, call]) => [
      name,
      ((...args: Parameters<F>) => {
        try {
          return call(...args);
        } catch (error) {
          return onThrow(error);
        }
      }) as F,
    ]),
  );
}
