import { RETRY_DEFAULT, TIMEOUT_DEFAULT_MS } from '../message/backoff.ts';
import { isTolerance } from '../message/group/tolerance.ts';
import {
  ATTEMPTS_MAX,
  EACH_LIMIT_DEFAULT,
  EACH_LIMIT_MAX,
  GROUP_DEPTH_MAX,
  isParameterName,
  NAME,
  PLAN_STEPS_MAX,
  TIMEOUT_MAX_MS,
} from '../message/limits.ts';
import type {
  ActionStep,
  AllStep,
  Branch,
  EachStep,
  RetryPolicy,
  Step,
  Tolerant,
} from '../message/message.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { escapeKey, type FlowFaults } from './flow-faults.ts';
import { isObject } from './is-object.ts';

const ACTION_KEYS = ['do', 'at', 'timeout', 'retry'];
const ALL_KEYS = ['all', 'tolerate', 'failed'];
const EACH_KEYS = ['each', 'as', 'limit', 'collect', 'tolerate', 'failed', 'steps'];
const BRANCH_KEYS = ['name', 'steps'];
const RETRY_KEYS = ['attempts', 'backoff', 'factor', 'backoffMax', 'terminal'];
const LATER = ['when', 'lock', 'savepoint', 'needs'];

const STEP = '- {do: compute create_vm, at: host, timeout: 2m, retry: {attempts: 3}}';
const ALL = '- all: [["network alloc_ip"], {name: disk, steps: ["volume create"]}]';
const EACH = '- {each: names, as: name, limit: 4, collect: vms, steps: ["compute create_vm"]}';
const TOLERATE = '- {each: names, as: name, tolerate: 5%, failed: lost, steps: ["compute create_vm"]}';
const RETRY = 'retry: {attempts: 5, backoff: 1s, factor: 2, backoffMax: 30s, terminal: [DNS_REFUSED]}';

type Raw = Record<string, unknown>;

/** The steps of a flow, written out in full. What is wrong goes to `faults`. */
export function readSteps(raw: unknown, at: string, faults: FlowFaults): Step[] {
  return new StepReader(faults).list(raw, at, 0);
}

class StepReader {
  readonly #faults: FlowFaults;
  #count = 0;

  constructor(faults: FlowFaults) {
    this.#faults = faults;
  }

  list(raw: unknown, at: string, depth: number): Step[] {
    if (!Array.isArray(raw) || raw.length === 0) {
      const what =
        raw === undefined
          ? '`steps` is missing'
          : Array.isArray(raw)
            ? 'there are no steps'
            : 'steps are not a list';
      this.#faults.add(at, what, 'steps: ["resource select_host", "network alloc_ip"]');
      return [];
    }
    this.#count += raw.length;
    if (this.#count > PLAN_STEPS_MAX) {
      this.#faults.add(at, `more than ${PLAN_STEPS_MAX} steps`, 'Use `each` for steps that repeat.');
      return [];
    }
    return raw.map((step, index) => this.#step(step, `${at}/${index}`, depth)).filter(step => step !== null);
  }

  #step(raw: unknown, at: string, depth: number): Step | null {
    if (typeof raw === 'string') return this.#action(raw, at, {}, at);
    if (!isObject(raw)) {
      this.#faults.add(at, 'a step is "module action", or a map with `do`, `all` or `each`', STEP);
      return null;
    }
    for (const key of LATER) {
      if (Object.hasOwn(raw, key))
        this.#faults.add(
          `${at}/${key}`,
          `\`${key}\` comes in a later version of Coax`,
          `Leave it out: ${STEP}`,
        );
    }
    const kinds = ['do', 'all', 'each'].filter(key => Object.hasOwn(raw, key));
    if (kinds.length !== 1) {
      this.#faults.add(
        at,
        kinds.length === 0 ? withoutKind(raw) : `a step has only one of ${kinds.join(' and ')}`,
        STEP,
      );
      return null;
    }
    if (kinds[0] === 'do') return this.#action(raw.do, `${at}/do`, raw, at);
    if (depth >= GROUP_DEPTH_MAX) {
      this.#faults.add(
        at,
        `groups are nested deeper than ${GROUP_DEPTH_MAX}`,
        'Make the inner groups flatter.',
      );
      return null;
    }
    return kinds[0] === 'all' ? this.#all(raw, at, depth) : this.#each(raw, at, depth);
  }

  #action(text: unknown, textAt: string, raw: Raw, at: string): ActionStep | null {
    const words = typeof text === 'string' ? text.trim().split(/\s+/) : [];
    const [module, action] = words;
    if (words.length !== 2 || !NAME.test(module!) || !NAME.test(action!)) {
      this.#faults.add(
        textAt,
        `${JSON.stringify(text)} is not "module action"`,
        'Two names, as in: - network alloc_ip',
      );
      return null;
    }
    this.#unknown(at, raw, ACTION_KEYS, STEP);
    const host = this.#parameter(
      raw.at,
      `${at}/at`,
      'at: host (the name of the parameter that holds the host)',
    );
    const timeoutMs = this.#duration(raw.timeout, `${at}/timeout`, TIMEOUT_DEFAULT_MS, 'timeout: 2m');
    const retry = this.#retry(raw.retry, `${at}/retry`);
    const step = { module: module!, action: action!, timeoutMs, retry };
    return host === null ? step : { ...step, at: host };
  }

  #all(raw: Raw, at: string, depth: number): AllStep | null {
    this.#unknown(at, raw, ALL_KEYS, ALL);
    if (!Array.isArray(raw.all) || raw.all.length === 0) {
      this.#faults.add(`${at}/all`, '`all` is not a list of branches', ALL);
      return null;
    }
    const names = new Set<string>();
    const branches = raw.all.map((branch: unknown, index): Branch => {
      const inner = `${at}/all/${index}`;
      if (!isObject(branch)) return { steps: this.list(branch, inner, depth + 1) };
      this.#unknown(inner, branch, BRANCH_KEYS, ALL);
      const name = this.#parameter(branch.name, `${inner}/name`, ALL);
      if (name !== null && names.has(name))
        this.#faults.add(`${inner}/name`, `two branches are called "${name}"`, ALL);
      if (name !== null) names.add(name);
      const steps = this.list(branch.steps, `${inner}/steps`, depth + 1);
      return name === null ? { steps } : { name, steps };
    });
    return { all: branches, ...this.#tolerant(raw, at) };
  }

  #each(raw: Raw, at: string, depth: number): EachStep | null {
    this.#unknown(at, raw, EACH_KEYS, EACH);
    const list = this.#parameter(
      raw.each ?? '',
      `${at}/each`,
      `${EACH} (\`each\` names the parameter that holds the list)`,
    );
    const as = this.#parameter(raw.as ?? 'item', `${at}/as`, EACH);
    const collect = this.#parameter(raw.collect, `${at}/collect`, EACH);
    const limit = this.#integer(raw.limit, `${at}/limit`, EACH_LIMIT_DEFAULT, EACH_LIMIT_MAX, EACH);
    const steps = this.list(raw.steps, `${at}/steps`, depth + 1);
    const tolerant = this.#tolerant(raw, at);
    if (list === null || as === null) return null;
    return { each: list, as, limit, ...(collect !== null && { collect }), ...tolerant, steps };
  }

  /** How many branches may fail, and where the list of those that did is to stand. */
  #tolerant({ tolerate, failed }: Raw, at: string): Tolerant {
    if (tolerate !== undefined && !isTolerance(tolerate)) {
      this.#faults.add(
        `${at}/tolerate`,
        `${JSON.stringify(tolerate)} does not say how many branches may fail`,
        `${TOLERATE} (a whole number, a share such as 5%, or the name of a parameter that holds one)`,
      );
    }
    const name = this.#parameter(failed, `${at}/failed`, TOLERATE);
    return { ...(isTolerance(tolerate) && { tolerate }), ...(name !== null && { failed: name }) };
  }

  #retry(raw: unknown, at: string): RetryPolicy {
    if (raw === undefined) return RETRY_DEFAULT;
    if (!isObject(raw)) {
      this.#faults.add(at, '`retry` is not a map', RETRY);
      return RETRY_DEFAULT;
    }
    this.#unknown(at, raw, RETRY_KEYS, RETRY);
    const { factor = RETRY_DEFAULT.factor, terminal = [] } = raw;
    if (typeof factor !== 'number' || factor < 1 || factor > 100)
      this.#faults.add(`${at}/factor`, '`factor` is not a number from 1 to 100', RETRY);
    if (!Array.isArray(terminal) || !terminal.every(code => typeof code === 'string' && code !== '')) {
      this.#faults.add(`${at}/terminal`, '`terminal` is not a list of error codes', RETRY);
    }
    return {
      attempts: this.#integer(raw.attempts, `${at}/attempts`, RETRY_DEFAULT.attempts, ATTEMPTS_MAX, RETRY),
      backoffMs: this.#duration(raw.backoff, `${at}/backoff`, RETRY_DEFAULT.backoffMs, RETRY),
      factor: factor as number,
      backoffMaxMs: this.#duration(raw.backoffMax, `${at}/backoffMax`, RETRY_DEFAULT.backoffMaxMs, RETRY),
      terminal: terminal as string[],
    };
  }

  #duration(raw: unknown, at: string, otherwise: number, example: string): number {
    if (raw === undefined) return otherwise;
    const ms = typeof raw === 'string' ? parseDuration(raw) : null;
    if (ms !== null && ms > 0 && ms <= TIMEOUT_MAX_MS) return ms;
    const reason =
      typeof raw === 'number'
        ? `${raw} has no unit`
        : ms === null
          ? `${JSON.stringify(raw)} is not a length of time`
          : `${raw} is not between 1ms and ${formatDuration(TIMEOUT_MAX_MS)}`;
    this.#faults.add(at, reason, `${example} (units: ms, s, m, h, d)`);
    return otherwise;
  }

  #integer(raw: unknown, at: string, otherwise: number, max: number, example: string): number {
    if (raw === undefined) return otherwise;
    if (Number.isInteger(raw) && (raw as number) >= 1 && (raw as number) <= max) return raw as number;
    this.#faults.add(at, `${JSON.stringify(raw)} is not a whole number from 1 to ${max}`, example);
    return otherwise;
  }

  #parameter(raw: unknown, at: string, example: string): string | null {
    if (raw === undefined) return null;
    if (typeof raw === 'string' && isParameterName(raw)) return raw;
    this.#faults.add(at, `${JSON.stringify(raw)} is not the name of a parameter`, example);
    return null;
  }

  /** Keys of a later version have been refused already, with their own reason. */
  #unknown(at: string, raw: Raw, known: readonly string[], example: string): void {
    const others = Object.fromEntries(Object.entries(raw).filter(([key]) => !LATER.includes(key)));
    this.#faults.unknownKeys(at, others, known, example);
  }
}

/** `- network: alloc_ip` is what people write first. */
function withoutKind(raw: Raw): string {
  const [entry, ...others] = Object.entries(raw);
  if (entry !== undefined && others.length === 0 && typeof entry[1] === 'string' && NAME.test(entry[0])) {
    return `a step is written without a colon: "${escapeKey(entry[0])} ${entry[1]}"`;
  }
  return 'a step has one of `do`, `all` and `each`';
}
