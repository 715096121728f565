import { didYouMean } from '../errors/nearest.ts';
import { TIMEOUT_DEFAULT_MS } from '../message/backoff.ts';
import { toleranceParameter } from '../message/group/tolerance.ts';
import type { ActionStep, AllStep, EachStep, Step } from '../message/message.ts';
import { formatDuration } from './duration.ts';
import type { FlowDefinition } from './flow.ts';
import { placeOf } from './flow-faults.ts';

export interface Finding {
  readonly level: 'error' | 'warning';
  /** `file:line:column`, or a JSON pointer where there is no file. */
  readonly where: string;
  readonly reason: string;
  readonly hint: string;
}

/** What lint needs to know of an action; the catalogue's actions have it all. */
export interface LintAction {
  readonly module: string;
  readonly name: string;
  readonly kind: string;
  readonly undoable: boolean;
  readonly input: object | null;
  readonly output: object | null;
}

export interface LintLookup {
  find(module: string, action: string): LintAction | null;
  list(): readonly LintAction[];
}

/** Names that hold a value at a place of the plan; `open` when a step before it does not say what it sets. */
interface Known {
  readonly names: Set<string>;
  open: boolean;
}

/** What can be said against a flow before it ever runs. Errors: steps that cannot work. Warnings: steps to think about. */
export function lintFlow(flow: FlowDefinition, lookup: LintLookup): readonly Finding[] {
  const linter = new Linter(flow, lookup);
  const known: Known = { names: new Set(Object.keys(flow.parameters)), open: false };
  linter.steps(flow.steps, '/steps', known, []);
  linter.unusedParameters();
  return linter.findings;
}

class Linter {
  readonly findings: Finding[] = [];
  readonly #flow: FlowDefinition;
  readonly #lookup: LintLookup;
  readonly #used = new Set<string>();
  /** Some step does not say what it reads. */
  #readsUnknown = false;

  constructor(flow: FlowDefinition, lookup: LintLookup) {
    this.#flow = flow;
    this.#lookup = lookup;
  }

  /** Lints steps one after the other; returns the names that they set. `before`: undoable steps that were done earlier. */
  steps(steps: readonly Step[], at: string, known: Known, before: readonly string[]): Set<string> {
    const set = new Set<string>();
    const done = [...before];
    steps.forEach((step, index) => {
      const here = `${at}/${index}`;
      const names =
        'all' in step
          ? this.#all(step, here, known, done)
          : 'each' in step
            ? this.#each(step, here, known, done)
            : this.#action(step, here, known, done);
      for (const name of names) {
        set.add(name);
        known.names.add(name);
      }
    });
    return set;
  }

  unusedParameters(): void {
    if (this.#readsUnknown) return;
    for (const name of Object.keys(this.#flow.parameters)) {
      if (!this.#used.has(name))
        this.#add(
          'warning',
          `/parameters/${name}`,
          `no step reads the parameter "${name}"`,
          'Drop it, or look for a misspelt name.',
        );
    }
  }

  #action(step: ActionStep, at: string, known: Known, done: string[]): Iterable<string> {
    const title = `${step.module} ${step.action}`;
    if (step.at !== undefined) this.#reads(step.at, `${at}/at`, known, `\`at\` of ${title}`);
    const action = this.#lookup.find(step.module, step.action);
    if (action === null) {
      const all = this.#lookup.list().map(({ module, name }) => `${module} ${name}`);
      this.#add(
        'error',
        at,
        `there is no action "${title}"${didYouMean(title, all)}`,
        '`coax step ls` lists the actions.',
      );
      this.#readsUnknown = true;
      known.open = true;
      return [];
    }
    this.#undo(action, title, at, done);
    if (action.kind === 'executable' && !this.#flow.places.has(`${at}/timeout`)) {
      this.#add(
        'warning',
        at,
        `${title} is an executable without a timeout of its own`,
        `It gets ${formatDuration(TIMEOUT_DEFAULT_MS)}; say how long it may take: {do: ${title}, timeout: 2m}`,
      );
    }
    if (action.input === null) this.#readsUnknown = true;
    for (const name of requiredOf(action.input)) this.#reads(name, at, known, title);
    for (const name of namesOf(action.input)) this.#used.add(name);
    if (action.output === null) known.open = true;
    return namesOf(action.output);
  }

  /** Names what stays behind when the walk back ends at an action without an undo. */
  #undo(action: LintAction, title: string, at: string, done: string[]): void {
    if (action.undoable) {
      done.push(title);
      return;
    }
    const left =
      done.length === 0 ? '' : `, and what was done before it would not be rolled back: ${done.join(', ')}`;
    this.#add(
      'warning',
      at,
      `${title} has no undo: a failure at it or after it parks the message${left}`,
      done.length === 0 ? 'Give it an undo if there can be one.' : 'Put it as late in the plan as it can be.',
    );
  }

  #all(step: AllStep, at: string, known: Known, done: string[]): Iterable<string> {
    this.#tolerates(step, at, known);
    const set = new Map<string, number>();
    let open = known.open;
    const before = [...done];
    step.all.forEach((branch, index) => {
      const inner = this.#flow.places.has(`${at}/all/${index}/steps`)
        ? `${at}/all/${index}/steps`
        : `${at}/all/${index}`;
      const own: Known = { names: new Set(known.names), open: known.open };
      const names = this.steps(branch.steps, inner, own, before);
      open ||= own.open && branch.name === undefined;
      for (const name of branch.name === undefined ? names : [branch.name]) {
        const other = set.get(name);
        if (other !== undefined) {
          this.#add(
            'error',
            `${at}/all/${index}`,
            `branches ${other + 1} and ${index + 1} both set "${name}"`,
            'Name the branches, and each keeps its own: {name: disk, steps: […]}',
          );
        }
        set.set(name, index);
      }
    });
    known.open = open;
    done.push('the branches');
    return step.failed === undefined ? set.keys() : [...set.keys(), step.failed];
  }

  #each(step: EachStep, at: string, known: Known, done: string[]): Iterable<string> {
    this.#reads(step.each, `${at}/each`, known, '`each`');
    this.#tolerates(step, at, known);
    const schema = this.#flow.parameters[step.each];
    const types = schema?.type === undefined ? [] : [schema.type].flat();
    if (types.length > 0 && !types.includes('array')) {
      this.#add(
        'error',
        `${at}/each`,
        `\`each\` needs a list, and "${step.each}" is ${types.join(' or ')}`,
        `${step.each}: {type: array, items: {type: string}}`,
      );
    }
    if (known.names.has(step.as))
      this.#add(
        'warning',
        `${at}/as`,
        `"${step.as}" hides a parameter of that name inside the branch`,
        'Give the item a name of its own.',
      );
    const own: Known = { names: new Set([...known.names, step.as]), open: known.open };
    this.steps(step.steps, `${at}/steps`, own, done);
    done.push(`each of ${step.each}`);
    if (step.collect !== undefined && step.collect === step.failed) {
      const reason = `\`collect\` and \`failed\` both set "${step.failed}"`;
      this.#add('error', `${at}/failed`, reason, 'Give each a name of its own.');
    }
    return [step.collect, step.failed].filter(name => name !== undefined);
  }

  #tolerates(step: AllStep | EachStep, at: string, known: Known): void {
    const name = toleranceParameter(step);
    if (name !== null) this.#reads(name, `${at}/tolerate`, known, '`tolerate`');
    if (step.failed !== undefined && step.tolerate === undefined) {
      const reason = 'no branch may fail, so the list of those that failed is always empty';
      this.#add('warning', `${at}/failed`, reason, 'Say how many may: tolerate: 5%');
    }
  }

  #reads(name: string, at: string, known: Known, reader: string): void {
    this.#used.add(name);
    if (known.names.has(name)) return;
    this.#add(
      known.open ? 'warning' : 'error',
      at,
      `${reader} reads "${name}", which no parameter and no earlier step gives${didYouMean(name, [...known.names])}`,
      known.open
        ? 'An earlier step does not declare what it sets: it may be this.'
        : `Add it to the flow's parameters, or set it in an earlier step.`,
    );
  }

  #add(level: Finding['level'], pointer: string, reason: string, hint: string): void {
    this.findings.push({ level, where: placeOf(this.#flow.file, this.#flow.places, pointer), reason, hint });
  }
}

function namesOf(schema: object | null): string[] {
  return schema !== null && 'properties' in schema ? Object.keys(schema.properties as object) : [];
}

function requiredOf(schema: object | null): readonly string[] {
  return schema !== null && 'required' in schema ? (schema.required as readonly string[]) : [];
}
