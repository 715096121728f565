import { availableParallelism } from 'node:os';
import type { ProcessEnd, ProcessHooks, ProcessSpec } from './process-spec.ts';
import { Spawner } from './spawner.ts';

/** A further spawner is started when each has so many runs under way; more than one per processor gains nothing. */
const RUNS_PER_SPAWNER = 4;
const SPAWNERS_MAX = 4;

let spawners: Spawner[] = [];

/**
 * Runs a program through a spawner (a small process started at the first run), to its end: no shell, own session and
 * group, exactly the given environment, no descriptor but 0, 1 and 2. Output is drained while it runs, and bounded. At
 * the timeout or an abort the whole group gets SIGTERM, after `graceMs` SIGKILL; when the program is over, whatever is
 * left of its group is killed, too. If we are killed, the spawner ends every group at once. Never throws: `cause` of the
 * end says what happened, `reason` says it to people. After a `lost` run the next one gets a new spawner.
 *
 * Not covered: without limits, a grandchild that made a session of its own; and the death of us and the spawner in the same moment, after which a
 * run without limits goes on. (What has limits is in a control group and ends when the next spawner runs something with limits.)
 */
export function runProcess(spec: ProcessSpec, hooks: ProcessHooks = {}): Promise<ProcessEnd> {
  return chooseSpawner().run(spec, hooks);
}

/** Starts the first spawner now, while our heap is small and its start is cheap. */
export function startSpawner(): void {
  chooseSpawner();
}

/** Ends all spawners with all that they run; done when they are gone. */
export async function closeSpawners(): Promise<void> {
  const closing = spawners;
  spawners = [];
  await Promise.all(closing.map(spawner => spawner.close()));
}

/** Process ids of the spawners there are. */
export function spawnerPids(): number[] {
  return spawners.filter(({ usable }) => usable).flatMap(({ pid }) => pid ?? []);
}

function chooseSpawner(): Spawner {
  spawners = spawners.filter(({ usable }) => usable);
  let least = spawners[0];
  for (const spawner of spawners) if (spawner.running < least!.running) least = spawner;
  const max = Math.min(SPAWNERS_MAX, availableParallelism());
  if (least === undefined || (least.running >= RUNS_PER_SPAWNER && spawners.length < max)) {
    least = new Spawner();
    spawners.push(least);
  }
  return least;
}
