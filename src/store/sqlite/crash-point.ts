import type { Probe } from './connection.ts';

/** Where a process may end itself: between any two statements, or around the end of a transaction. */
const POINTS = ['statement', 'before-commit', 'after-commit', 'after-accept', 'after-claim'] as const;
type Point = (typeof POINTS)[number];

/**
 * Kills this process with SIGKILL when it comes to a point for the N-th time: `COAX_CRASH_AT=after-accept:3`. This is how
 * the crash campaign meets the moments that chance finds seldom. Undefined, and without cost, when nothing is asked for.
 */
export function crashPoint(spec: string | undefined): Probe | undefined {
  const [name, count = '1'] = spec?.split(':') ?? [];
  const point = POINTS.find(known => known === name);
  if (point === undefined) return undefined;
  let left = Number(count);
  const seen = new Set<Point>();
  return (sql, done) => {
    if (passes(point, sql, done, seen) && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}

/** Is this the point? `seen` is what the transaction under way has done. */
function passes(point: Point, sql: string, done: boolean, seen: Set<Point>): boolean {
  if (sql === 'BEGIN IMMEDIATE') seen.clear();
  if (sql.startsWith('INSERT INTO messages')) seen.add('after-accept');
  if (sql.includes('begun = begun + 1')) seen.add('after-claim');
  if (point === 'statement') return !done;
  if (sql !== 'COMMIT') return false;
  if (point === 'before-commit') return !done;
  return done && (point === 'after-commit' || seen.has(point));
}
