import { isCoaxError } from '../errors/coax-error.ts';
import { GROUP_ADDRESS } from '../message/address.ts';
import type { Branch, GroupStep, Json, Message, Parameters } from '../message/message.ts';
import { isGroup } from '../message/message.ts';
import { type Outcome, ok, terminal } from '../message/outcome.ts';
import { parametersOf } from '../message/parameters.ts';
import type { Claim, StoreTx } from '../store/store.ts';
import { REAL_TIMERS, type Timers } from '../store/timers.ts';
import type { StoreChannel } from './store-channel.ts';
import { askTransition, transition } from './transition.ts';

const BATCH = 64;
const LEASE_MS = 30_000;

/**
 * Serves the groups of branches. Each look at a group sees all its children in one transaction and says what follows;
 * a child that comes to rest makes its parent look again. So a crash between two looks loses nothing.
 */
export class GroupServer {
  readonly #channel: StoreChannel;
  readonly #name: string;
  readonly #random: () => number;
  readonly #onFault: (error: unknown) => void;
  readonly #timers: Timers;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  constructor(
    channel: StoreChannel,
    name: string,
    random: () => number,
    onFault: (error: unknown) => void,
    timers: Timers = REAL_TIMERS,
  ) {
    this.#timers = timers;
    this.#channel = channel;
    this.#name = name;
    this.#random = random;
    this.#onFault = onFault;
    this.#loop = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const wish = {
      worker: this.#name,
      addresses: [GROUP_ADDRESS],
      limit: BATCH,
      leaseMs: LEASE_MS,
      waitMs: 60_000,
    };
    while (!this.#stop.signal.aborted) {
      try {
        const claims = await this.#channel.claim(wish, this.#stop.signal);
        await Promise.all(claims.map(claim => this.#look(claim)));
      } catch (error) {
        this.#onFault(error);
        await pause(500, this.#stop.signal, this.#timers);
      }
    }
  }

  /** A store that is unavailable is waited for: the group would stand still until the end of its lease. */
  async #look(claim: Claim): Promise<void> {
    for (;;) {
      try {
        await this.#channel.finishGroup(claim, tx => lookAtGroup(tx, claim.message, this.#random));
        return;
      } catch (error) {
        if (!isCoaxError(error, 'COAX_STORE_UNAVAILABLE') || this.#stop.signal.aborted) throw error;
        this.#onFault(error);
        await pause(500, this.#stop.signal, this.#timers);
      }
    }
  }
}

function pause(ms: number, signal: AbortSignal, timers: Timers): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      stop();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const stop = timers.after(ms, end);
    signal.addEventListener('abort', end);
  });
}

/** What a group at the cursor comes to, seen from its children. Makes children, and turns them back, in the transaction. */
export async function lookAtGroup(tx: StoreTx, message: Message, random: () => number): Promise<Outcome> {
  const step = message.plan.steps[message.cursor];
  if (step === undefined || !isGroup(step)) return terminal('COAX_INTERNAL', 'the cursor is not at a group');
  return message.mode === 'normal' ? forward(tx, message, step, random) : backward(tx, message, random);
}

async function forward(
  tx: StoreTx,
  message: Message,
  step: GroupStep,
  random: () => number,
): Promise<Outcome> {
  const branches = branchesOf(step, parametersOf(message));
  if ('kind' in branches) return branches;
  const { generation } = message;
  const counts = generation === null ? null : await tx.countChildren(message.msgid, generation);
  const failed = counts?.rolled_back ?? 0;
  if (generation !== null && failed > 0) {
    const left = await turnBack(tx, message.msgid, generation, 'a sibling branch failed', random);
    return left > 0 ? { kind: 'wait' } : failure(await tx.children(message.msgid, generation));
  }
  const done = counts?.done ?? 0;
  const made = counts === null ? 0 : Object.values(counts).reduce((sum, n) => sum + n, 0);
  const room = Math.min(branches.length - made, limitOf(step) - (made - done));
  if (room > 0) return split(tx, message, branches.slice(made, made + room), made);
  if (done < branches.length) return { kind: 'wait' };
  return merge(step, branches, generation === null ? [] : await tx.children(message.msgid, generation));
}

/** A group is undone when all its children are. */
async function backward(tx: StoreTx, message: Message, random: () => number): Promise<Outcome> {
  if (message.generation === null) return ok();
  const reason = message.error?.reason ?? `message ${message.msgid} walks back`;
  return (await turnBack(tx, message.msgid, message.generation, reason, random)) > 0
    ? { kind: 'wait' }
    : ok();
}

interface ChildPlan {
  readonly name: string;
  readonly parameters: Parameters;
  readonly branch: Branch;
}

function branchesOf(step: GroupStep, parameters: Parameters): readonly ChildPlan[] | Outcome {
  if ('all' in step) {
    return step.all.map((branch, index) => ({ name: branch.name ?? String(index), parameters, branch }));
  }
  const items = parameters[step.each];
  if (!Array.isArray(items)) {
    return terminal(
      'COAX_STEP_INPUT',
      `the parameter ${step.each} is not a list, so there is nothing to do each for`,
    );
  }
  return items.map((item: Json, index) => ({
    name: String(index),
    parameters: { ...parameters, [step.as]: item },
    branch: { steps: step.steps },
  }));
}

const limitOf = (step: GroupStep): number => ('each' in step ? step.limit : step.all.length);

async function split(
  tx: StoreTx,
  message: Message,
  branches: readonly ChildPlan[],
  from: number,
): Promise<Outcome> {
  const generation = message.generation ?? message.seq + 1;
  const children: number[] = [];
  for (const [index, { name, parameters, branch }] of branches.entries()) {
    const { msgid } = await tx.submit({
      flow: `${message.flow}/${name}`,
      plan: { steps: branch.steps },
      parameters,
      actor: message.actor,
      project: message.project,
      labels: message.labels,
      trace: message.trace,
      parent: { msgid: message.msgid, step: message.cursor, branch: from + index, generation },
    });
    children.push(msgid);
  }
  return { kind: 'split', children };
}

/** Sends every child that is not back yet on its way. Returns how many are still to come back. */
async function turnBack(
  tx: StoreTx,
  msgid: number,
  generation: number,
  reason: string,
  random: () => number,
): Promise<number> {
  for (const child of await tx.children(msgid, generation)) {
    if (child.mode === 'rollback') continue;
    if (child.phase === 'done') {
      const by = { worker: null, code: null, actor: 'coax', started: tx.now, finished: tx.now };
      await tx.move(child, transition(child, { kind: 'revert', reason }, by, random()));
    } else if (child.ask === null) {
      const ask = { kind: 'cancel', actor: 'coax', reason } as const;
      if (await tx.ask(child.msgid, ask)) continue;
      await tx.move(child, askTransition(child, ask, tx.now, random()));
    }
  }
  const counts = await tx.countChildren(msgid, generation);
  return counts.open + counts.waiting + counts.done + counts.parked;
}

function failure(children: readonly Message[]): Outcome {
  // Siblings were cancelled; the one to name is the one that failed by itself.
  const first =
    children.find(child => child.cause === 'failed') ?? children.find(child => child.phase === 'rolled_back');
  const reason = first?.error?.reason ?? 'it was rolled back';
  return terminal(
    'COAX_GROUP_FAILED',
    `branch ${first?.parent?.branch} (message ${first?.msgid}) failed: ${reason}`,
    {
      children: children.map(child => child.msgid),
      ...(first?.error && { error: { code: first.error.code, reason: first.error.reason } }),
    },
  );
}

/** What a child has set, without what it was given. */
function setBy(child: Message): Parameters {
  return Object.assign(
    {},
    ...child.trail.map(entry => ('set' in entry ? entry.set : entry.edit)),
  ) as Parameters;
}

function merge(step: GroupStep, branches: readonly ChildPlan[], children: readonly Message[]): Outcome {
  const sets = branches.map((_, index) => {
    const child = children.find(({ parent }) => parent?.branch === index);
    return child === undefined ? {} : setBy(child);
  });
  if ('each' in step) return ok(step.collect === undefined ? {} : { [step.collect]: sets });
  const merged: Record<string, Json> = {};
  for (const [index, set] of sets.entries()) {
    const { name } = step.all[index] as Branch;
    for (const [key, value] of Object.entries(name === undefined ? set : { [name]: set })) {
      if (Object.hasOwn(merged, key)) {
        return terminal(
          'COAX_GROUP_FAILED',
          `two branches set ${key}: name the branches, so that each sets an object of its own`,
        );
      }
      merged[key] = value;
    }
  }
  return ok(merged);
}
