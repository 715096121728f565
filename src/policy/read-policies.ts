import { z } from 'zod';
import { readConfig } from '../config-file/read-config.ts';
import { CoaxError, type Fault, textOf } from '../errors/coax-error.ts';
import { didYouMean } from '../errors/nearest.ts';
import { ruleOf, weighOf } from './expression.ts';
import type { RuleFunction, WeighFunction } from './facts.ts';
import { type Policy, PolicyBook } from './policy-book.ts';

/** Filters and weighers that a TypeScript file adds, by name. */
export interface RuleModule {
  readonly filters: Readonly<Record<string, RuleFunction>>;
  readonly weighers: Readonly<Record<string, WeighFunction>>;
}

export interface Builtin {
  /** Name of the policy of requests that name none. */
  readonly default: string;
  /** Policies that come with Coax: name → weights. */
  readonly policies: Readonly<Record<string, { about: string; weights: Readonly<Record<string, number>> }>>;
  /** Names of the weighers that come with Coax. */
  readonly weighers: readonly string[];
}

const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
const HINT =
  'policies: {web: {weigh: {spread: 1}, require: [{name: ssd, cel: "host.labels.disk == \'ssd\'"}]}}';

const Name = z.string().regex(NAME, 'small letters, digits, _ and -, a letter first');
const Rule = z.union([Name, z.strictObject({ name: Name, cel: z.string().min(1) })]);
const Preference = z.strictObject({
  name: Name,
  cel: z.string().min(1),
  weight: z.number().min(-1000).max(1000).default(1),
});
const PolicyText = z.strictObject({
  about: z.string().max(500).default(''),
  weigh: z.record(Name, z.number().min(-1000).max(1000)).default({}),
  require: z.array(Rule).max(20).default([]),
  prefer: z.array(Preference).max(20).default([]),
});
const PolicyFile = z.strictObject({
  default: Name.optional(),
  modules: z.array(z.string().min(1)).max(50).default([]),
  policies: z.record(Name, PolicyText).default({}),
  projects: z.record(z.string().min(1), Name).default({}),
  flavors: z.record(z.string().min(1), Name).default({}),
});
type PolicyFile = z.output<typeof PolicyFile>;

/** A policies file that is well formed; its names are not yet looked up. */
export interface ParsedPolicies {
  readonly file: string;
  /** Paths of TypeScript files, as they are written. */
  readonly modules: readonly string[];
  readonly content: PolicyFile;
  /** A fault at that place of the file, with its line. */
  faultAt(path: readonly PropertyKey[], reason: string): Fault;
}

/** Reads the form of a policies file (YAML 1.2). Errors: COAX_POLICY_INVALID with every fault at its line. */
export function parsePolicies(text: string, file: string): ParsedPolicies {
  const config = readConfig(text, file, PolicyFile);
  if ('faults' in config) throw invalid(config.faults);
  const { value, placeOf } = config;
  return {
    file,
    modules: value.modules,
    content: value,
    faultAt: (path, reason) => ({ where: placeOf(path), reason }),
  };
}

/** Looks up the names of a file and compiles its expressions. Errors: COAX_POLICY_INVALID with every fault at its line. */
export function policiesOf(parsed: ParsedPolicies, builtin: Builtin, own: RuleModule): PolicyBook {
  const faults: Fault[] = [];
  const { content, faultAt } = parsed;
  const add = (path: readonly PropertyKey[], reason: string): void => {
    faults.push(faultAt(path, reason));
  };
  const policies = new Map(builtinPolicies(builtin));
  for (const [name, text] of Object.entries(content.policies)) {
    if (policies.get(name)?.builtin)
      add(['policies', name], `a policy "${name}" comes with Coax; choose another name`);
    else policies.set(name, policyOf(name, text, builtin, own, add));
  }
  const known = [...policies.keys()];
  const check = (path: readonly PropertyKey[], name: string): void => {
    if (!policies.has(name)) add(path, `there is no policy "${name}"${didYouMean(name, known)}`);
  };
  if (content.default !== undefined) check(['default'], content.default);
  for (const part of ['projects', 'flavors'] as const)
    for (const [key, policy] of Object.entries(content[part])) check([part, key], policy);
  if (faults.length > 0) throw invalid(faults);
  return new PolicyBook({
    default: content.default ?? builtin.default,
    policies,
    projects: new Map(Object.entries(content.projects)),
    flavors: new Map(Object.entries(content.flavors)),
    file: parsed.file,
  });
}

/** What comes with Coax, for a server without a file. */
export function builtinBook(builtin: Builtin): PolicyBook {
  return new PolicyBook({
    default: builtin.default,
    policies: builtinPolicies(builtin),
    projects: new Map(),
    flavors: new Map(),
    file: null,
  });
}

function builtinPolicies({ policies }: Builtin): Map<string, Policy> {
  return new Map(
    Object.entries(policies).map(([name, { about, weights }]) => [
      name,
      { name, about, weights, rules: [], weighers: [], builtin: true },
    ]),
  );
}

function policyOf(
  name: string,
  text: z.output<typeof PolicyText>,
  builtin: Builtin,
  own: RuleModule,
  add: (path: readonly PropertyKey[], reason: string) => void,
): Policy {
  const at = ['policies', name];
  const weights: Record<string, number> = {};
  const weighers: Policy['weighers'][number][] = [];
  for (const [weigher, weight] of Object.entries(text.weigh)) {
    const weigh = own.weighers[weigher];
    if (weigh !== undefined) weighers.push({ name: weigher, weight, weigh });
    else if (builtin.weighers.includes(weigher)) weights[weigher] = weight;
    else
      add(
        [...at, 'weigh', weigher],
        `there is no weigher "${weigher}"${didYouMean(weigher, [...builtin.weighers, ...Object.keys(own.weighers)])}`,
      );
  }
  for (const [i, { name: own, cel, weight }] of text.prefer.entries()) {
    if (builtin.weighers.includes(own))
      add([...at, 'prefer', i, 'name'], `a weigher "${own}" comes with Coax; choose another name`);
    const weigh = tried(
      () => weighOf(cel),
      reason => add([...at, 'prefer', i, 'cel'], reason),
    );
    if (weigh !== null) weighers.push({ name: own, weight, weigh });
  }
  const rules: Policy['rules'][number][] = [];
  for (const [i, rule] of text.require.entries()) {
    if (typeof rule === 'string') {
      const passes = own.filters[rule];
      if (passes !== undefined) rules.push({ name: rule, passes });
      else
        add(
          [...at, 'require', i],
          `there is no filter "${rule}"${didYouMean(rule, Object.keys(own.filters))}`,
        );
      continue;
    }
    const passes = tried(
      () => ruleOf(rule.cel),
      reason => add([...at, 'require', i, 'cel'], reason),
    );
    if (passes !== null) rules.push({ name: rule.name, passes });
  }
  return { name, about: text.about, weights, rules, weighers, builtin: false };
}

function tried<T>(make: () => T, onFault: (reason: string) => void): T | null {
  try {
    return make();
  } catch (error) {
    onFault(textOf(error));
    return null;
  }
}

export function invalid(faults: readonly Fault[]): CoaxError {
  const [first, ...others] = faults;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return new CoaxError('COAX_POLICY_INVALID', `${first!.reason}${more}`, {
    where: first!.where,
    hint: `For example: ${HINT}`,
    faults,
  });
}
