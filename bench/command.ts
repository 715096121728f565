import { writeFileSync } from 'node:fs';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { machine } from './machine.ts';
import { table } from './report/table.ts';
import type { Row } from './row.ts';

/** What a benchmark was called with. */
export interface Given {
  readonly json?: string;
  readonly write: boolean;
  readonly only?: readonly string[];
  readonly quick: boolean;
  /** Values of the options that only this benchmark has. */
  readonly more: Readonly<Record<string, string | undefined>>;
}

export interface Bench {
  /** As npm knows it: `bench:access`. */
  readonly name: string;
  /** What `--only` may name, in the order of the table. */
  readonly measures: readonly string[];
  readonly writes?: string;
  /** Options with a value, each with its line of help; `VALUE` stands for what is given. */
  readonly more?: Readonly<Record<string, { readonly value: string; readonly help: string }>>;
}

const OPTIONS = {
  json: { type: 'string' },
  write: { type: 'boolean' },
  only: { type: 'string', multiple: true },
  quick: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies ParseArgsOptionsConfig;

/**
 * Reads the command line and hands it to `run`; resolves to the exit status: that of `run`, 0 after `--help`, 2 when it was called
 * wrongly.
 */
export async function command(bench: Bench, run: (given: Given) => Promise<number>): Promise<number> {
  const given = read(bench);
  if (given === 'help') {
    console.log(usage(bench));
    return 0;
  }
  if (typeof given === 'string') {
    console.error(`${bench.name}: ${given}\n${usage(bench)}`);
    return 2;
  }
  return await run(given);
}

/**
 * Measures one after another, tells how each went, and prints, keeps and writes the rows. Resolves to the exit status: 0 whatever
 * the figures are, 1 when a measure broke.
 */
export async function measureAll<Name extends string>(
  bench: Bench & { readonly measures: readonly Name[] },
  given: Given,
  measure: (name: Name) => Promise<Row[]>,
  write: (rows: readonly Row[], where: string, day: string) => void,
): Promise<number> {
  const where = machine();
  console.log(`${where}\n`);
  const rows: Row[] = [];
  let status = 0;
  for (const name of bench.measures) {
    if (given.only !== undefined && !given.only.includes(name)) continue;
    const began = performance.now();
    try {
      rows.push(...(await measure(name)));
      console.error(`${name}: measured in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    } catch (error) {
      console.error(`${bench.name}: ${name}: ${(error as Error).message}`);
      status = 1;
    }
  }
  console.log(`\n${table(rows)}`);
  keep(rows, given);
  if (given.write && status === 0) write(rows, where, today());
  return status;
}

/** The rows as JSON where `--json` says. */
export function keep(rows: readonly Row[], { json }: Given): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
}

/** YYYY-MM-DD, UTC. */
export const today = (): string => new Date().toISOString().slice(0, 10);

/** What was given, `help`, or what is wrong with it. */
function read({ measures, more = {} }: Bench): Given | string {
  const own = Object.keys(more).map(name => [name, { type: 'string' as const }] as const);
  try {
    const { values } = parseArgs({ options: { ...OPTIONS, ...Object.fromEntries(own) } });
    const { json, write = false, quick = false, help = false } = values;
    if (help) return 'help';
    const only = values.only?.flatMap(names => names.split(','));
    const unknown = only?.find(name => !measures.includes(name));
    if (unknown !== undefined) return `there is no measure "${unknown}": ${measures.join(', ')}`;
    if (write && (quick || only !== undefined)) return '--write needs all the figures, in full size';
    const given = values as Readonly<Record<string, unknown>>;
    return {
      write,
      quick,
      more: Object.fromEntries(own.map(([name]) => [name, given[name] as string | undefined])),
      ...(json !== undefined && { json }),
      ...(only !== undefined && { only }),
    };
  } catch (error) {
    return (error as Error).message;
  }
}

function usage({ name, measures, writes = 'the table into docs/performance.md', more = {} }: Bench): string {
  const own = Object.entries(more);
  const lines = [
    ['--json FILE', 'also writes the rows as JSON'],
    ['--write', `also writes ${writes}`],
    ['--only NAME', `measures only this: ${measures.join(', ')}`],
    ...own.map(([option, { value, help }]) => [`--${option} ${value}`, help]),
    ['--quick', 'small sizes, to see that it works: the figures say nothing'],
    ['--help', ''],
  ];
  const width = Math.max(...lines.map(([option]) => (option as string).length)) + 2;
  const call = [
    '[--json FILE]',
    '[--write]',
    '[--only NAME]...',
    ...own.map(([o, { value }]) => `[--${o} ${value}]`),
  ];
  return [
    `npm run ${name} -- ${[...call, '[--quick]'].join(' ')}`,
    ...lines.map(([option, help]) => `  ${(option as string).padEnd(width)}${help}`.trimEnd()),
  ].join('\n');
}
