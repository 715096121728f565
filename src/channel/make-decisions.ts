import { CoaxError } from '../errors/coax-error.ts';
import { forkState } from '../ledger/fork.ts';
import { APPROVAL } from '../message/group/approval.ts';
import type { Ask, Message, Parameters } from '../message/message.ts';
import { isGroup } from '../message/message.ts';
import { type Outcome, terminal } from '../message/outcome.ts';
import { isResting } from '../message/status.ts';
import { chainOf } from '../store/chain.ts';
import type { Store, StoreTx } from '../store/store.ts';
import type { Decider, Decisions } from './decisions.ts';
import { hasBegun, type Random, transition } from './transition.ts';

/** People's decisions as transitions in the store: each is one transaction and stands in the ledger. */
export function makeDecisions(store: Store, random: Random = Math.random): Decisions {
  return {
    cancel: (msgid, by) => {
      const { actor, reason } = by;
      return decided(store, by, tx => askFor(tx, msgid, { kind: 'cancel', actor, reason }, by, random));
    },
    revert: (msgid, by, force = false) => decided(store, by, tx => revert(tx, msgid, by, force, random)),
    rewind: (msgid, to, edit, by) => {
      const { actor, reason } = by;
      const ask = { kind: 'rewind', to, edit, actor, reason } as const;
      return decided(store, by, tx => askFor(tx, msgid, ask, by, random));
    },
    resolve: (msgid, how, edit, by) =>
      decided(store, by, async tx => {
        const message = await findAs(tx, msgid, by);
        return move(tx, message, { kind: 'resolve', how, edit, reason: by.reason }, by, random);
      }),
    approve: (msgid, approves, by) =>
      decided(store, by, async tx => {
        const waiting = await awaiting(tx, await findAs(tx, msgid, by));
        if (waiting === null)
          throw new CoaxError('COAX_MESSAGE_STATE', `nothing beneath message ${msgid} waits for a person`, {
            where: String(msgid),
          });
        return move(tx, waiting, approves ? approved(by) : rejected(by), by, random);
      }),
    fork: (commitId, edit, by) => fork(store, commitId, edit, by),
  };
}

/** Thrown to undo a trial. */
class Undone {
  readonly message: Message;

  constructor(message: Message) {
    this.message = message;
  }
}

async function decided(
  store: Store,
  { trial = false }: Decider,
  work: (tx: StoreTx) => Promise<Message>,
): Promise<Message> {
  if (!trial) return store.transact(work);
  try {
    return await store.transact(async tx => {
      throw new Undone(await work(tx));
    });
  } catch (error) {
    if (error instanceof Undone) return error.message;
    throw error;
  }
}

/** The message that waits for a person: this one, or the first one beneath it. */
async function awaiting(tx: StoreTx, message: Message): Promise<Message | null> {
  const step = message.plan.steps[message.cursor];
  if (step === undefined || message.mode !== 'normal' || isResting(message.phase)) return null;
  if (!isGroup(step))
    return step.module === APPROVAL.module && step.action === APPROVAL.action ? message : null;
  const children = message.generation === null ? [] : await tx.children(message.msgid, message.generation);
  for (const child of children) {
    const found = await awaiting(tx, child);
    if (found !== null) return found;
  }
  return null;
}

const approved = ({ actor, reason }: Decider): Outcome => ({
  kind: 'ok',
  set: {},
  detail: { approved: actor, reason },
});
const rejected = ({ actor, reason }: Decider): Outcome =>
  terminal('COAX_APPROVAL_REFUSED', `${actor} did not approve${reason && `: ${reason}`}`);

async function find(tx: StoreTx, msgid: number): Promise<Message> {
  const message = await tx.message(msgid);
  if (message === null)
    throw new CoaxError('COAX_MESSAGE_NOT_FOUND', `there is no message ${msgid}`, { where: String(msgid) });
  return message;
}

/** The message, if it is as the person who decides saw it. */
async function findAs(tx: StoreTx, msgid: number, { heads }: Decider): Promise<Message> {
  const message = await find(tx, msgid);
  if (heads === undefined || heads.some(head => message.head.startsWith(head))) return message;
  throw new CoaxError('COAX_CHANGED', `message ${msgid} has moved on since`, { where: String(msgid) });
}

async function move(
  tx: StoreTx,
  message: Message,
  outcome: Outcome,
  by: Decider,
  random: Random,
): Promise<Message> {
  const circumstances = { worker: null, code: null, actor: by.actor, started: tx.now, finished: tx.now };
  return tx.move(message, transition(message, outcome, circumstances, random()));
}

/** Does it at once where no worker holds the message; else leaves it with the worker, once it is clear that it is allowed. */
async function askFor(tx: StoreTx, msgid: number, ask: Ask, by: Decider, random: Random): Promise<Message> {
  const message = await findAs(tx, msgid, by);
  const begun = hasBegun(message);
  const outcome: Outcome =
    ask.kind === 'cancel'
      ? { kind: 'cancel', begun, reason: ask.reason }
      : { kind: 'rewind', begun, to: ask.to, edit: ask.edit, reason: ask.reason };
  const next = transition(
    message,
    outcome,
    { worker: null, code: null, actor: ask.actor, started: tx.now, finished: tx.now },
    random(),
  );
  if (await tx.ask(msgid, ask)) return { ...message, ask };
  return tx.move(message, next);
}

async function revert(
  tx: StoreTx,
  msgid: number,
  by: Decider,
  force: boolean,
  random: Random,
): Promise<Message> {
  const message = await findAs(tx, msgid, by);
  if (message.parent !== null) {
    throw new CoaxError(
      'COAX_MESSAGE_STATE',
      `message ${msgid} is a branch of message ${message.parent.msgid}`,
      {
        where: String(msgid),
        hint: `Revert message ${message.parent.msgid}.`,
      },
    );
  }
  if (!force) await refuseIfBuiltOn(tx, message);
  return move(tx, message, { kind: 'revert', reason: by.reason }, by, random);
}

/** A later message that uses what this one (or a branch of it) made stands on it. */
async function refuseIfBuiltOn(tx: StoreTx, message: Message): Promise<void> {
  const made = new Set<string>();
  for (const msgid of await family(tx, message)) {
    for (const { kind, key } of await tx.allocations({ msgid })) made.add(`${kind}/${key}`);
  }
  if (made.size === 0) return;
  const uses = (await tx.allocations({ kind: 'use' })).filter(use => made.has(String(use.detail.on)));
  if (uses.length === 0) return;
  const users = [...new Set(uses.map(use => use.msgid))];
  throw new CoaxError(
    'COAX_MESSAGE_BUILT_ON',
    `message ${users.join(', ')} was built on ${[...new Set(uses.map(use => use.detail.on))].join(', ')}, which message ${message.msgid} made`,
    {
      where: String(message.msgid),
      hint: `Revert ${users.join(', ')} first, or add --force.`,
      detail: { builtOnBy: users },
    },
  );
}

async function family(tx: StoreTx, message: Message): Promise<number[]> {
  const found = [message.msgid];
  for (const entry of message.trail) {
    if (!('step' in entry) || entry.generation === undefined) continue;
    for (const child of await tx.children(message.msgid, entry.generation))
      found.push(...(await family(tx, child)));
  }
  return found;
}

async function fork(store: Store, commitId: string, edit: Parameters, by: Decider): Promise<Message> {
  const [commit] = await store.commitsByPrefix(commitId, 1);
  if (commit === undefined)
    throw new CoaxError('COAX_COMMIT_NOT_FOUND', `there is no commit ${commitId}`, { where: commitId });
  const source = await store.message(commit.msgid);
  if (source === null) throw new CoaxError('COAX_MESSAGE_NOT_FOUND', `there is no message ${commit.msgid}`);
  const state = await forkState(chainOf(store, commit.msgid, commit.seq), source.plan, edit);
  return decided(store, by, async tx => {
    const { msgid } = await tx.submit({
      flow: source.flow,
      plan: source.plan,
      parameters: state.base,
      actor: by.actor,
      project: source.project,
      labels: source.labels,
      trace: source.trace,
      fork: { from: commit.id, state },
    });
    return find(tx, msgid);
  });
}
