import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import { type Outcome, simulate } from './simulate.ts';

/** Runs seeds one after the other on databases in memory, where there is such a place. */
export async function runSeeds(
  seeds: Iterable<number>,
  each: (seed: number, outcome: Outcome) => void,
): Promise<void> {
  const parent = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'coax-sim-'));
  try {
    const template = join(parent, 'template.db');
    await openSqlite({ file: template, bootId: '1' }).close();
    for (const seed of seeds) each(seed, await simulate(seed, template, parent));
  } finally {
    rmSync(parent, { recursive: true });
  }
}
