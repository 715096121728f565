/** One measured figure, as `--json` writes it. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same run; null when it stands alone. */
  readonly reference: string | null;
  readonly referenceValue: number | null;
  /** Median of the ratios of the pairs, so not exactly `value / referenceValue`. */
  readonly ratio: number | null;
  /** For example `ratio >= 0.5` or `value < 10`; null when the figure is only told. */
  readonly goal: string | null;
  readonly met: boolean | null;
}

/** A measure and its reference, taken one right after the other. */
export interface Pair {
  readonly value: number;
  readonly reference: number;
}

/** Takes both in turns, each first in every other round, so that other load on the machine meets both alike. */
export async function inTurns<Value, Reference = Value>(
  rounds: number,
  measure: () => Value | Promise<Value>,
  reference: () => Reference | Promise<Reference>,
): Promise<{ value: Value; reference: Reference }[]> {
  const pairs: { value: Value; reference: Reference }[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      const second = await reference();
      pairs.push({ value: await measure(), reference: second });
    } else {
      const first = await measure();
      pairs.push({ value: first, reference: await reference() });
    }
  }
  return pairs;
}

export function comparedRow(
  name: string,
  unit: string,
  reference: string,
  pairs: readonly Pair[],
  goal: string | null = null,
): Row {
  const value = median(pairs.map(pair => pair.value));
  const ratio = median(pairs.map(pair => pair.value / pair.reference));
  return {
    name,
    value: rounded(value),
    unit,
    reference,
    referenceValue: rounded(median(pairs.map(pair => pair.reference))),
    ratio: rounded(ratio),
    goal,
    met: isMet(goal, value, ratio),
  };
}

export function plainRow(name: string, value: number, unit: string, goal: string | null = null): Row {
  const met = isMet(goal, value, null);
  return { name, value: rounded(value), unit, reference: null, referenceValue: null, ratio: null, goal, met };
}

function isMet(goal: string | null, value: number, ratio: number | null): boolean | null {
  if (goal === null) return null;
  const [of, sign, text] = goal.split(' ');
  const figure = of === 'ratio' ? ratio : value;
  const bound = Number(text);
  if (figure === null || Number.isNaN(bound)) throw new Error(`the goal "${goal}" cannot be read`);
  if (sign === '>=') return figure >= bound;
  return sign === '<=' ? figure <= bound : figure < bound;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The smallest value that so large a part of the values does not exceed. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
