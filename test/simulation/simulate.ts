import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Temper } from './actions.ts';
import { checkAtRest } from './checks.ts';
import { decideSomething, resolveParked, submitSome } from './people.ts';
import { Random } from './random.ts';
import { World } from './world.ts';

const CHAOS_MS = 40_000;
/** Virtual time after which a message that has not come to rest is stuck. */
const REST_MS = 20 * 60_000;

export interface Outcome {
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly crashes: number;
  readonly messages: number;
  /** Groups that were done although branches failed. */
  readonly tolerated: number;
}

/** One history of an installation, told by its seed alone. */
export async function simulate(seed: number, template: string, parent: string): Promise<Outcome> {
  const random = new Random(seed);
  const dir = mkdtempSync(join(parent, 'world-'));
  const world = new World({ random, dir, template, temper: randomTemper(random) });
  try {
    plan(world);
    await world.time.run(CHAOS_MS, () => false);
    world.calmDown();
    const look = { rested: false };
    watchRest(world, look);
    await world.time.run(CHAOS_MS + REST_MS, () => look.rested);
    if (world.server === null) throw new Error('no server at the end');
    await checkAtRest(world);
    const { violations, trace, tolerated } = world.model;
    return { violations, trace, crashes: world.crashes, messages: world.told.size, tolerated };
  } finally {
    world.close();
    rmSync(dir, { recursive: true });
  }
}

function randomTemper(random: Random): Temper {
  const often = random.pick([0, 0.05, 0.2]);
  return {
    start: random.pick([0, 0.05]),
    retryable: often,
    terminal: random.pick([0, 0.03, 0.15]),
    hang: random.pick([0, 0.03]),
    undoRetryable: often,
    undoTerminal: random.pick([0, 0.05, 0.15]),
  };
}

/** What will happen to the installation, besides what the steps do themselves. */
function plan(world: World): void {
  const { random } = world;
  const events: [times: number, what: () => void][] = [
    [random.int(2, 5), () => guarded(world, submitSome)],
    [random.int(0, 12), () => guarded(world, decideSomething)],
    [random.int(0, 2), () => killSome(world)],
    [random.int(0, 2), () => freezeSome(world)],
    [random.int(0, 2), () => drainSome(world)],
    [random.chance(0.3) ? 1 : 0, () => world.crash()],
  ];
  world.afterStart = () => guarded(world, decideSomething);
  for (const [times, what] of events) {
    for (let i = 0; i < times; i++) world.later(random.int(0, CHAOS_MS * 0.8), what);
  }
}

/** A crash takes the request with it; everything else is a fault. */
function guarded(world: World, request: (world: World) => Promise<void>): void {
  const { server } = world;
  request(world).catch(error => {
    if (server?.life.dead !== true) world.model.violation(`a request failed: ${error}`);
  });
}

function killSome(world: World): void {
  const { workers } = world;
  if (workers.length > 0) world.killWorker(world.random.pick(workers), world.random.chance(0.5));
}

function drainSome(world: World): void {
  const { workers } = world;
  if (workers.length > 0) world.drainWorker(world.random.pick(workers), world.random.int(0, 3000));
}

function freezeSome(world: World): void {
  const { workers } = world;
  if (workers.length > 0) world.freezeWorker(world.random.pick(workers), world.random.int(100, 20_000));
}

/** Looks once a second whether everything has come to rest; who is parked gets a decision. */
function watchRest(world: World, look: { rested: boolean }): void {
  const restless = world.restless();
  look.rested = restless !== null && restless.length === 0;
  for (const { msgid, phase } of restless ?? [])
    if (phase === 'parked') guarded(world, () => decideParked(world, msgid));
  world.later(1000, () => watchRest(world, look));
}

async function decideParked(world: World, msgid: number): Promise<void> {
  const message = await world.server?.store.message(msgid);
  if (message?.phase !== 'parked') return;
  const irreversible = message.undoError?.code === 'COAX_STEP_IRREVERSIBLE';
  world.saw(
    await resolveParked(world, message, irreversible ? 'undone' : world.random.pick(['retry', 'undone'])),
  );
}
