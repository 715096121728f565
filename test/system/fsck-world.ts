import type { Claim } from '../../src/channel/channel.ts';
import { GroupServer } from '../../src/channel/groups.ts';
import { makeDecisions } from '../../src/channel/make-decisions.ts';
import { StoreChannel } from '../../src/channel/store-channel.ts';
import { addressOf } from '../../src/message/address.ts';
import { RETRY_DEFAULT } from '../../src/message/backoff.ts';
import type { ActionStep, Plan, Step } from '../../src/message/message.ts';
import { ok, retryable, type StepOutcome, terminal } from '../../src/message/outcome.ts';
import { isResting } from '../../src/message/status.ts';
import { openSqlite } from '../../src/store/sqlite/open-sqlite.ts';
import type { SqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Tx } from '../../src/store/tx.ts';

/** msgids of the messages that the store holds afterwards, by what happened to them. */
export interface World {
  readonly done: number;
  readonly rolledBack: number;
  readonly parked: number;
  readonly group: number;
  readonly failedGroup: number;
  readonly cancelled: number;
  readonly rewound: number;
  readonly fork: number;
  readonly long: number;
  readonly queued: number;
}

const retry = { ...RETRY_DEFAULT, attempts: 150, backoffMs: 0, backoffMaxMs: 0 };
const step = (action: string): ActionStep => ({ module: 'm', action, timeoutMs: 60_000, retry });
const planOf = (...steps: (string | Step)[]): Plan => ({
  steps: steps.map(given => (typeof given === 'string' ? step(given) : given)),
});
const STUCK: Step = { ...step('stay'), module: 'nobody' };

/**
 * Makes a database file in which everything has happened once that can happen to a message, through the real store,
 * channel, groups and decisions.
 */
export async function makeWorld(file: string): Promise<World> {
  const store = openSqlite({ file });
  const channel = new StoreChannel(store);
  const faults: unknown[] = [];
  const groups = new GroupServer(channel, 'groups', Math.random, error => faults.push(error));
  try {
    const world = await populate(store, channel);
    if (faults.length > 0) throw faults[0];
    return world;
  } finally {
    await groups.close();
    await channel.close();
    await store.close();
  }
}

async function populate(store: SqliteStore, channel: StoreChannel): Promise<World> {
  const submit = async (name: string, plan: Plan, parameters = {}): Promise<number> => {
    const [accepted] = await store.submit([
      { flow: name, plan, parameters: { cpu: 2, ...parameters }, actor: 'ann' },
    ]);
    return accepted!.msgid;
  };
  const by = { actor: 'bob', reason: 'to see' };
  const decisions = makeDecisions(store);
  const both: Step = {
    all: [{ steps: [step('set_x')] }, { name: 'second', steps: [step('set_y'), step('set_z')] }],
  };
  const bothFail: Step = { all: [{ steps: [step('set_x')] }, { steps: [step('set_y'), step('fail')] }] };
  const done = await submit('done', planOf('set_a', 'take', 'set_b'));
  const rolledBack = await submit('rolled_back', planOf('set_a', 'take', 'fail'));
  const parked = await submit('parked', planOf('set_a', 'no_undo', 'fail'));
  const group = await submit(
    'group',
    planOf('set_a', both, { each: 'items', as: 'item', limit: 2, collect: 'got', steps: [step('set_i')] }),
    { items: [1, 2, 3] },
  );
  const failedGroup = await submit('failed_group', planOf('set_a', bothFail));
  const cancelled = await submit('cancelled', planOf('set_a', STUCK));
  const rewound = await submit('rewound', planOf('set_a', 'set_b', STUCK));
  const long = await submit('long', planOf('set_a', 'often', 'set_b'));
  const settled = async (msgid: number) => {
    const message = await store.message(msgid);
    return message === null || isResting(message.phase) || addressOf(message, message.plan) === 'nobody'
      ? null
      : msgid;
  };
  await work(channel, [done, rolledBack, parked, group, failedGroup, cancelled, rewound, long], settled);
  await decisions.cancel(cancelled, by);
  await decisions.rewind(rewound, 1, { cpu: 8 }, by);
  const [, first] = await store.commits(done, { order: 'oldest' });
  const { msgid: fork } = await decisions.fork(first!.id, { cpu: 4 }, by);
  await work(channel, [cancelled, rewound, fork], settled);
  await decisions.revert(fork, by);
  await work(channel, [fork], settled);
  const queued = await submit('queued', planOf(STUCK));
  return { done, rolledBack, parked, group, failedGroup, cancelled, rewound, fork, long, queued };
}

async function work(
  channel: StoreChannel,
  msgids: readonly number[],
  pending: (msgid: number) => Promise<number | null>,
): Promise<void> {
  const wish = { worker: 'w1', addresses: ['m'], limit: 20, leaseMs: 60_000, waitMs: 200 };
  const until = Date.now() + 180_000;
  for (;;) {
    const claims = await channel.claim(wish);
    await Promise.all(claims.map(claim => finish(channel, claim)));
    const left = (await Promise.all(msgids.map(pending))).filter(msgid => msgid !== null);
    if (left.length === 0) return;
    if (Date.now() > until) throw new Error(`messages ${left.join(', ')} do not come to rest`);
  }
}

async function finish(channel: StoreChannel, claim: Claim): Promise<void> {
  const { message } = claim;
  const action = (message.plan.steps[message.cursor] as ActionStep).action;
  const outcome = message.mode === 'normal' ? doing(action, claim) : undoing(action, claim);
  await channel.finish({
    claim,
    outcome,
    code: 'c'.repeat(64),
    started: message.updated,
    finished: message.updated + 1,
  });
}

type Work = StepOutcome | ((tx: Tx) => Promise<StepOutcome>);

function doing(action: string, { msgid, message }: Claim): Work {
  if (action === 'fail') return terminal('E_NO', 'no', { tried: [1, 2] });
  if (action === 'often' && message.attempt < 140) return retryable('E_BUSY', 'busy');
  if (action !== 'take') return ok({ [action.slice(-1)]: `${action} of ${msgid}` });
  return async tx => {
    const row = { kind: 'ip', key: `10.0.0.${msgid}`, msgid, detail: '{}', created: tx.now };
    await tx.db.insertInto('allocations').values(row).execute();
    return ok({ ip: row.key });
  };
}

function undoing(action: string, { msgid }: Claim): Work {
  if (action === 'no_undo') return terminal('COAX_STEP_IRREVERSIBLE', 'no undo');
  if (action !== 'take') return ok();
  return async tx => {
    await tx.db.deleteFrom('allocations').where('kind', '=', 'ip').where('msgid', '=', msgid).execute();
    return ok();
  };
}
