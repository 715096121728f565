import { isParameterName } from '../limits.ts';
import type { GroupStep, Json, Parameters, Partly } from '../message.ts';

/** Branches of one group that may fail, at most. */
const TOLERATE_MAX = 1_000_000;

const PERCENT = /^(\d{1,3})(\.\d{1,6})?%$/;

/** Does that say how many branches may fail: a whole number, a share such as `5%`, or the name of a parameter? */
export function isTolerance(value: unknown): value is number | string {
  return isAmount(value) || (typeof value === 'string' && isParameterName(value));
}

/** The same without a name: what a parameter must hold. */
function isAmount(value: unknown): value is number | string {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 && value <= TOLERATE_MAX;
  return typeof value === 'string' && PERCENT.test(value) && Number.parseFloat(value) <= 100;
}

/** The parameter that says how many branches of the group may fail; null if none does. */
export function toleranceParameter({ tolerate }: GroupStep): string | null {
  return typeof tolerate === 'string' && isParameterName(tolerate) ? tolerate : null;
}

/**
 * How many of so many branches may fail: a share is rounded down, so that 5% of 10 is none. A text says what is wrong with
 * the parameter that holds it.
 */
export function toleratedOf(step: GroupStep, parameters: Parameters, branches: number): number | string {
  const name = toleranceParameter(step);
  const amount: Json | undefined = name === null ? (step.tolerate ?? 0) : parameters[name];
  if (!isAmount(amount))
    return `the parameter ${name} does not say how many branches may fail: a whole number or a share such as "5%"`;
  if (typeof amount === 'number') return Math.min(amount, branches);
  return shareOf(amount, branches);
}

/** In whole millionths of a percent, since 0.07 × 100 is more than 7. */
function shareOf(percent: string, branches: number): number {
  const [, whole = '0', part = '.'] = PERCENT.exec(percent) ?? [];
  const millionths = BigInt(whole + part.slice(1).padEnd(6, '0'));
  return Number((millionths * BigInt(branches)) / 100_000_000n);
}

/** `3 of 100 failed, 5 tolerated`. */
export function partlyText({ failed, of, tolerated }: Partly): string {
  return `${failed} of ${of} failed, ${tolerated} tolerated`;
}

/** Has it the form of what a group says of branches that failed? */
export function isPartly(value: unknown): value is Partly {
  if (typeof value !== 'object' || value === null) return false;
  const { failed, of, tolerated } = value as Record<string, unknown>;
  const numbers = [failed, tolerated, of];
  if (!numbers.every(number => Number.isSafeInteger(number)) || Object.keys(value).length !== 3) return false;
  const [least, middle, most] = numbers as [number, number, number];
  return least >= 1 && least <= middle && middle <= most;
}
