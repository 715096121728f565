import { readFileSync } from 'node:fs';

/** How much of the time work stood still for want of something. Source: Documentation/accounting/psi.rst. */
export interface PressureFigures {
  /** Percent of the last 10, 60 and 300 seconds. */
  readonly of10s: number;
  readonly of60s: number;
  readonly of300s: number;
  readonly totalMicros: number;
}

export interface Pressure {
  /** Some waited, or all that had something to do did. */
  readonly some: PressureFigures;
  readonly full: PressureFigures | null;
}

export type PressureOf = 'cpu' | 'memory' | 'io';

/** Of the whole machine; null where the kernel does not count it. */
export function readPressure(of: PressureOf): Pressure | null {
  return readPressureFile(`/proc/pressure/${of}`);
}

/** Null where there is no such file, or counting was turned off. */
export function readPressureFile(file: string): Pressure | null {
  const text = textOrNull(file);
  return text === null ? null : parsePressure(text);
}

export function parsePressure(text: string): Pressure | null {
  const lines = new Map(text.split('\n').map(line => [line.split(' ')[0]!, figuresOf(line)]));
  const some = lines.get('some');
  return some === undefined ? null : { some, full: lines.get('full') ?? null };
}

function figuresOf(line: string): PressureFigures {
  const figure = (name: string): number => Number(new RegExp(`${name}=([\\d.]+)`).exec(line)?.[1] ?? 0);
  return {
    of10s: figure('avg10'),
    of60s: figure('avg60'),
    of300s: figure('avg300'),
    totalMicros: figure('total'),
  };
}

/** A file that this kernel may not have, or not tell. */
export function textOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'latin1').trim();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENODEV', 'EOPNOTSUPP'].includes(code)) return null;
    throw error;
  }
}
