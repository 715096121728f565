/** Upper bounds in seconds: a durable transition takes tenths of a millisecond, a VM takes minutes. */
export const BOUNDS_S = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
];

/** How often something took how long; a few additions for each observation. */
export class Histogram {
  /** One for each bound, not yet added up, and one beyond the last. */
  readonly counts = new Float64Array(BOUNDS_S.length + 1);
  sumS = 0;

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS_S.length && seconds > (BOUNDS_S[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sumS += seconds;
  }
}
