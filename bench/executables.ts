import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeSpawners } from '../src/linux/process/run-process.ts';
import type { Action, StepCall } from '../src/step/contract.ts';
import { loadExecutables } from '../src/step/load-executables.ts';
import { comparedRow, inTurns, type Row } from './row.ts';

/** The smallest real step: a shell that answers with one object. */
const PROGRAM = `#!/bin/sh\necho '{"ip":"10.0.0.5"}'\n`;
const CONCURRENCY = 8;
const FULL = { count: 2_000, warmUp: 100, rounds: 3 };
const QUICK = { count: 40, warmUp: 8, rounds: 1 };

/**
 * Executable steps, and bare starts of the same program by `child_process.spawn` (pipes drained), both with 8 at a time in
 * this process. The ratio tells what the contract costs: environment, input, limits, outcome.
 */
export async function measureExecutables(quick: boolean): Promise<Row[]> {
  const { count, warmUp, rounds } = quick ? QUICK : FULL;
  const folder = mkdtempSync(join(tmpdir(), 'coax-bench-'));
  try {
    mkdirSync(join(folder, 'network'));
    const file = join(folder, 'network', 'alloc_ip');
    writeFileSync(file, PROGRAM);
    chmodSync(file, 0o755);
    const action = loadExecutables(folder).actions[0]!;
    const step = async (): Promise<void> => {
      const outcome = await action.run(callOf(action));
      if (outcome.kind !== 'ok') throw new Error(outcome.error.reason);
    };
    const bare = (): Promise<void> => bareSpawn(file);
    await seconds(warmUp, step); // compile, and start the spawners
    await seconds(warmUp, bare);
    const pairs = await inTurns(
      rounds,
      async () => count / (await seconds(count, step)),
      async () => count / (await seconds(count, bare)),
    );
    return [
      comparedRow('executables: steps', 'steps/s', 'bare spawns of the same program', pairs, 'ratio >= 0.8'),
    ];
  } finally {
    await closeSpawners();
    rmSync(folder, { recursive: true });
  }
}

/** Seconds that so many calls take. */
async function seconds(count: number, call: () => Promise<void>): Promise<number> {
  let left = count;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (left-- > 0) await call();
    }),
  );
  return (performance.now() - started) / 1000;
}

function bareSpawn(file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [], { stdio: 'pipe' });
    child.stdin.on('error', () => {});
    child.stdin.end('{}\n');
    child.stdout.resume();
    child.stderr.resume();
    child.once('error', reject);
    child.once('close', () => resolve());
  });
}

function callOf(action: Action): StepCall {
  return {
    msgid: 141592,
    step: 1,
    attempt: 1,
    key: `${action.module}.1`,
    fence: 1,
    mode: 'normal',
    parameters: { cpu: 2, mem: 4096, host: 'h1' },
    output: {},
    host: null,
    worker: 'bench',
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    log() {},
    detail() {},
  };
}
