import type { StepOutcome } from '../../src/message/outcome.ts';
import { ok, retryable, terminal } from '../../src/message/outcome.ts';
import type { Action, Catalogue, StepCall } from '../../src/step/contract.ts';
import type { RunningStep } from '../../src/worker/running-step.ts';
import type { ActiveCall } from './model.ts';
import type { World } from './world.ts';

/** How often things go wrong. */
export interface Temper {
  /** The step cannot be begun at all. */
  readonly start: number;
  readonly retryable: number;
  readonly terminal: number;
  readonly hang: number;
  readonly undoRetryable: number;
  readonly undoTerminal: number;
}

export const CALM: Temper = {
  start: 0,
  retryable: 0,
  terminal: 0,
  hang: 0,
  undoRetryable: 0,
  undoTerminal: 0,
};

/** `make` acts on the outside world, `book` inside the store's transaction, `final` has no undo. */
export const ACTIONS = ['make', 'book', 'final'] as const;
export const MODULES = ['net', 'disk'] as const;
export const HOSTS = ['h1', 'h2'] as const;
/** Every worker serves every module here, and at every host. */
export const ADDRESSES = MODULES.flatMap(module => [module, ...HOSTS.map(host => `${module}@${host}`)]);

export function makeCatalogue(world: World): Catalogue {
  return scripted(
    call => make(world, call),
    call => book(world, call),
  );
}

/** Modules whose `book` runs in the transaction and whose other actions are all `make`. */
export function scripted(make: Action['run'], book: Action['run']): Catalogue {
  const actions = MODULES.flatMap(module =>
    ACTIONS.map(
      (name): Action => ({
        module,
        name,
        kind: name === 'book' ? 'transactional' : 'function',
        code: 'c0'.repeat(32),
        undoable: name !== 'final',
        about: '',
        input: null,
        output: null,
        file: null,
        run: name === 'book' ? book : make,
      }),
    ),
  );
  return {
    find: (module, action) => actions.find(known => known.module === module && known.name === action) ?? null,
    list: () => actions,
    modules: () => MODULES,
  };
}

/** A step with an effect outside: takes its time, may fail before or after the effect, may hang until it is told to stop. */
async function make(world: World, call: StepCall): Promise<StepOutcome> {
  const { model } = world;
  const life = world.lifeOf(call.worker);
  const active = model.begin(call, life, world.isCurrent(call as RunningStep));
  try {
    const outcome = await perform(world, active);
    model.note(`${world.time.now} ${call.worker} ${call.mode} ${call.key} -> ${outcome.kind}`);
    return outcome;
  } finally {
    model.end(active);
  }
}

async function perform(world: World, active: ActiveCall): Promise<StepOutcome> {
  const { random, model } = world;
  const call = active.call as StepCall;
  const back = call.mode === 'rollback';
  if (!back && random.chance(world.temper.start)) return unbegun();
  if (!(await pass(world, active))) return aborted();
  const early = trouble(world, call);
  if (early === 'hang') await world.untilAborted(active);
  else if (early !== null && random.chance(0.5)) return early;
  if (early === 'hang') return aborted();
  // The outside world heeds fencing: a call whose claim is history changes nothing there any more.
  if (!world.isCurrent(call as RunningStep)) return aborted();
  if (back) model.undo(call);
  else model.make(call);
  const token = model.effects.get(call.key) ?? '';
  if (!(await pass(world, active))) return aborted();
  if (early !== null) return early;
  if (back) return ok();
  return ok({
    [`s${call.step}`]: token,
    ...(random.chance(0.3) && { last: call.step, cpu: random.int(1, 9), host: random.pick(HOSTS) }),
  });
}

/** Time goes by; false when the step was told to stop meanwhile. */
async function pass(world: World, active: ActiveCall): Promise<boolean> {
  if (world.random.chance(0.3)) return true;
  return world.sleep(active, world.random.chance(0.1) ? world.random.int(0, 8000) : world.random.int(0, 300));
}

function trouble(world: World, call: StepCall): StepOutcome | 'hang' | null {
  const { random, temper } = world;
  const back = call.mode === 'rollback';
  if (random.chance(temper.hang)) return 'hang';
  if (random.chance(back ? temper.undoTerminal : temper.terminal))
    return terminal('SIM_TERMINAL', 'no, for good');
  if (random.chance(back ? temper.undoRetryable : temper.retryable))
    return retryable('SIM_RETRYABLE', 'not now');
  return null;
}

const unbegun = (): StepOutcome => ({
  kind: 'terminal',
  error: { code: 'SIM_START', reason: 'could not be begun', begun: false },
});
const aborted = (): StepOutcome => retryable('SIM_ABORTED', 'told to stop');

/** A step whose effect is a row in the store, made in the transaction that moves the message. */
async function book(world: World, call: StepCall): Promise<StepOutcome> {
  const { tx } = call;
  if (tx === undefined) return terminal('SIM', 'no transaction');
  const key = call.key;
  if (call.mode === 'rollback')
    await tx.db.deleteFrom('allocations').where('kind', '=', 'sim').where('key', '=', key).execute();
  else
    await tx.db
      .insertInto('allocations')
      .values({ kind: 'sim', key, msgid: call.msgid, detail: '{}', created: tx.now })
      .execute();
  const wrong = trouble(world, call);
  if (wrong !== null && wrong !== 'hang') return wrong;
  return call.mode === 'rollback' ? ok() : ok({ [`s${call.step}`]: 'booked' });
}
