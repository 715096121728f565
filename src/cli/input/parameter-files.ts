import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { CoaxError, textOf } from '../../errors/coax-error.ts';
import type { Parameters } from '../../message/message.ts';

/** Parameters from one JSON or YAML file; `-` is standard input. COAX_USAGE. */
export async function readParameters(file: string): Promise<Parameters> {
  const text = readText(file);
  if (/\.ya?ml$/.test(file)) {
    const { parse } = await import('yaml');
    return asObject(() => parse(text), file);
  }
  return asObject(() => JSON.parse(text), file);
}

export function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new CoaxError('COAX_USAGE', `cannot read ${file}: ${textOf(error)}`, {
      hint: 'Give a file that exists, or - for standard input.',
    });
  }
}

export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly parameters: Parameters;
}

/** One JSON object a line; empty lines are passed over. Holds one line at a time. COAX_USAGE names the line. */
export async function* readLines(file: string): AsyncGenerator<Line> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  let number = 0;
  try {
    for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      number++;
      if (text.trim() !== '')
        yield { number, parameters: asObject(() => JSON.parse(text), `${file}:${number}`) };
    }
  } catch (error) {
    if (error instanceof CoaxError) throw error;
    throw new CoaxError('COAX_USAGE', `cannot read ${file}: ${textOf(error)}`, {
      hint: 'Give a file that exists, or - for standard input.',
    });
  }
}

function asObject(parse: () => unknown, where: string): Parameters {
  const hint = 'One JSON object of parameters, for example {"cpu": 2, "mem": 4096}';
  let value: unknown;
  try {
    value = parse();
  } catch (error) {
    throw new CoaxError('COAX_USAGE', textOf(error), { where, hint });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Parameters;
  throw new CoaxError('COAX_USAGE', 'parameters are one JSON object', { where, hint });
}
