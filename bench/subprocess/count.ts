import { execSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { comparedRow, inTurns, median, plainRow, type Row } from '../row.ts';

const ROUNDS = 40;
const WARM_UP = 3;

function timed(count: () => number): { ms: number; counted: number } {
  const began = performance.now();
  const counted = count();
  return { ms: performance.now() - began, counted };
}

const byShell = (): number => Number(execSync('ps aux | wc -l', { encoding: 'utf8' }));
const byProc = (): number => readdirSync('/proc').filter(name => /^\d+$/.test(name)).length;

/** `ps aux | wc -l` through a shell counts itself, and its heading; reading /proc starts nothing. */
export async function measureCount(quick: boolean): Promise<Row[]> {
  for (let round = 0; round < WARM_UP; round++) [byShell(), byProc()];
  const rounds = await inTurns(
    quick ? 4 : ROUNDS,
    () => timed(byProc),
    () => timed(byShell),
  );
  const pairs = rounds.map(({ value, reference }) => ({ value: value.ms, reference: reference.ms }));
  const tooMany = rounds.map(({ value, reference }) => reference.counted - value.counted);
  return [
    comparedRow(
      'counting the processes, by reading /proc',
      'ms',
      '`ps aux` and `wc -l` through a shell',
      pairs,
    ),
    plainRow('counted too many by the shell: sh, ps, wc and a heading', median(tooMany), 'lines'),
  ];
}
