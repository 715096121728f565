import type { Context } from './context.ts';

/** What a completed word can be; the server knows some of them. */
export type Completes = 'flow' | 'msgid' | 'vm' | 'host' | 'network' | 'status' | 'action' | 'file';

export interface VerbArgument {
  /** As commander writes it: `<flow>`, `[msgid]`, `[pairs...]`. */
  readonly name: string;
  readonly about: string;
  readonly choices?: readonly string[];
  readonly completes?: Completes;
}

export interface VerbOption {
  /** As commander writes it: `-n, --limit <n>`. */
  readonly flags: string;
  readonly about: string;
  readonly choices?: readonly string[];
  readonly completes?: Completes;
  /** May be given several times; the values come as a list. */
  readonly repeats?: boolean;
  readonly default?: string | number;
  /** The verb cannot do without it. */
  readonly required?: boolean;
  /** Reads the value; throw UsageFault for a wrong one. */
  parse?(text: string): unknown;
}

/** One verb of the command line: what its help says and what it does. */
export interface Verb<Options = Record<string, unknown>> {
  /** Command and what it is for; at least two. Help starts with them. */
  readonly examples: readonly (readonly [command: string, comment: string])[];
  /** Paragraphs after the usage line. */
  readonly details?: readonly string[];
  readonly args?: readonly VerbArgument[];
  readonly options?: readonly VerbOption[];
  /** Exit statuses that this verb gives beside those of errors. */
  readonly statuses?: readonly (readonly [status: number, about: string])[];
  /** Does it; resolves with the exit status. Throws CoaxError. */
  run(context: Context, args: readonly string[], options: Options): Promise<number>;
}

/** Types a verb by its options. The options' values are what `options` declares: the command line checks them. */
export function defineVerb<Options = Record<string, never>>(verb: Verb<Options>): Verb {
  return verb as unknown as Verb;
}

/** A value that an option cannot take; becomes COAX_USAGE with the option's name. */
export class UsageFault extends Error {}

/** Reads a whole number of at least `min`. */
export function wholeNumber(min: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min)
      throw new UsageFault(`expected a whole number from ${min}`);
    return value;
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a length of time in milliseconds: 500ms, 30s, 5m, 1h30m; a bare number is seconds. */
export function lengthOfTime(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const pieces = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (pieces.length === 0 || pieces.map(piece => piece[0]).join('') !== text) {
    throw new UsageFault('expected a length of time such as 30s, 5m or 1h30m');
  }
  return pieces.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit ?? 's']!, 0);
}
