import { Environment } from '@marcbachmann/cel-js';
import { textOf } from '../errors/coax-error.ts';
import type { HostFacts, RequestFacts, RuleFunction, WeighFunction } from './facts.ts';

/** CEL tells whole numbers from others; all figures here are `double`, so that they mix. */
const HOST = {
  name: 'string',
  state: 'string',
  zone: 'string',
  rack: 'string',
  labels: 'map<string, string>',
  simulated: 'bool',
  hypervisor: 'string',
  accelerator: 'string',
  cpuTotal: 'double',
  cpuFree: 'double',
  memTotalMib: 'double',
  memFreeMib: 'double',
  diskTotalMib: 'double',
  diskFreeMib: 'double',
  gpuModel: 'string',
  gpus: 'double',
  gpusFree: 'double',
  vms: 'double',
  ioLoad: 'double',
} as const satisfies Record<keyof HostFacts, string>;

const REQUEST = {
  cpu: 'double',
  memMib: 'double',
  diskMib: 'double',
  gpu: 'double',
  project: 'string',
  group: 'string',
  labels: 'map<string, string>',
  preemptible: 'bool',
} as const satisfies Record<keyof RequestFacts, string>;

const LENGTH_MAX = 4096;

/** `host.vms / 10` as people write it, without `10.0`. */
function environment(): Environment {
  const made = new Environment({ unlistedVariablesAreDyn: false })
    .registerVariable('host', { schema: HOST })
    .registerVariable('request', { schema: REQUEST });
  const operations: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
  };
  for (const [sign, operate] of Object.entries(operations)) {
    const mixed = (a: number | bigint, b: number | bigint): number => operate(Number(a), Number(b));
    made.registerOperator(`double ${sign} int`, mixed).registerOperator(`int ${sign} double`, mixed);
  }
  return made;
}

const CEL = environment();

/**
 * A filter from a CEL expression that gives true or false. A host on which it cannot be worked out (`host.labels.disk` where
 * there is no such label) does not pass. Throws an Error whose message is for people when the expression is wrong.
 */
export function ruleOf(text: string): RuleFunction {
  const evaluate = compile(text, ['bool']);
  return (host, request) => {
    try {
      return evaluate({ host, request }) === true ? '' : `not ${text}`;
    } catch (error) {
      return firstLine(textOf(error));
    }
  };
}

/**
 * A weigher from a CEL expression that gives a number; true counts as 1 and false as 0, and a host on which it cannot be
 * worked out gets 0. Throws an Error whose message is for people when the expression is wrong.
 */
export function weighOf(text: string): WeighFunction {
  const evaluate = compile(text, ['double', 'int', 'bool']);
  return (host, request) => {
    try {
      const weight = Number(evaluate({ host, request }));
      return Number.isFinite(weight) ? weight : 0;
    } catch {
      return 0;
    }
  };
}

function compile(text: string, types: readonly string[]): (context: object) => unknown {
  if (text.length > LENGTH_MAX) throw new Error(`the expression is longer than ${LENGTH_MAX} characters`);
  const { valid, type, error } = CEL.check(text);
  if (!valid) throw new Error(`${firstLine(error?.message ?? 'not CEL')} in \`${text}\``);
  // `dyn` is settled only when it runs.
  if (type !== 'dyn' && !types.includes(type ?? '')) {
    const wanted = types[0] === 'bool' ? 'true or false' : 'a number';
    throw new Error(`\`${text}\` gives ${type}, and ${wanted} is needed`);
  }
  return CEL.parse(text);
}

const firstLine = (text: string): string => text.replace(/^COAX_\w+: /, '').split('\n')[0] ?? '';
