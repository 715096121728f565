import { Histogram } from './histogram.ts';

/** Requests of one operation that were answered with one status. */
export interface RequestTally {
  readonly operation: string;
  readonly status: number;
  readonly took: Histogram;
}

/** Counts requests by the operation's id, which is one of few, never by the path that was asked for. */
export class Requests {
  readonly tallies = new Map<string, RequestTally>();

  count(operation: string, status: number, seconds: number): void {
    const key = `${operation} ${status}`;
    let tally = this.tallies.get(key);
    if (tally === undefined) {
      tally = { operation, status, took: new Histogram() };
      this.tallies.set(key, tally);
    }
    tally.took.observe(seconds);
  }
}
