import { isCoaxError } from '../errors/coax-error.ts';
import { GROUP_ADDRESS } from '../message/address.ts';
import { partlyText, toleratedOf } from '../message/group/tolerance.ts';
import type {
  AllStep,
  Branch,
  EachStep,
  GroupStep,
  Json,
  Message,
  Parameters,
  Partly,
} from '../message/message.ts';
import { isGroup } from '../message/message.ts';
import { type Outcome, ok, terminal } from '../message/outcome.ts';
import { parametersOf } from '../message/parameters.ts';
import type { Claim, StoreTx } from '../store/store.ts';
import { REAL_TIMERS, type Timers } from '../store/timers.ts';
import type { StoreChannel } from './store-channel.ts';
import { askTransition, transition } from './transition.ts';

const BATCH = 64;
const LEASE_MS = 30_000;
const SIBLING_FAILED = 'a sibling branch failed';
/** Failed branches that a commit names, and text of each one's reason. */
const FAILED_SHOWN = 100;
const REASON_SHOWN = 300;

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
async function lookAtGroup(tx: StoreTx, message: Message, random: () => number): Promise<Outcome> {
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
  const parameters = parametersOf(message);
  const branches = branchesOf(step, parameters);
  if ('kind' in branches) return branches;
  const of = branches.length;
  const tolerated = toleratedOf(step, parameters, of);
  if (typeof tolerated === 'string') return terminal('COAX_STEP_INPUT', tolerated);
  const { generation } = message;
  const counts = generation === null ? null : await tx.countChildren(message.msgid, generation);
  const failed = counts?.rolled_back ?? 0;
  if (generation !== null && failed > tolerated) {
    const left = await turnBack(tx, message.msgid, generation, SIBLING_FAILED, random);
    if (left > 0) return { kind: 'wait' };
    return failure(step, await tx.children(message.msgid, generation), of, tolerated);
  }
  // A branch that is parked keeps its place: it has not ended.
  const ended = (counts?.done ?? 0) + failed;
  const made = counts === null ? 0 : Object.values(counts).reduce((sum, n) => sum + n, 0);
  const room = Math.min(of - made, limitOf(step) - (made - ended));
  if (room > 0) return split(tx, message, branches.slice(made, made + room), made);
  if (ended < of) return { kind: 'wait' };
  const children = generation === null ? [] : await tx.children(message.msgid, generation);
  const partly = failed === 0 ? null : { failed, of, tolerated };
  return merge(step, branches, children, partly);
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

function failure(step: GroupStep, children: readonly Message[], of: number, tolerated: number): Outcome {
  // Siblings were cancelled; those to name are the ones that failed by themselves.
  const failed = children.filter(
    ({ cause, error }) => cause !== 'reverted' && error?.reason !== SIBLING_FAILED,
  );
  const first = failed.find(({ cause }) => cause === 'failed') ?? failed[0] ?? children[0];
  const own = step.tolerate === undefined ? '' : `${partlyText({ failed: failed.length, of, tolerated })}; `;
  const root = first && rootOf(first);
  const counted = own + (root?.counted ?? '');
  const reason = root?.error?.reason ?? 'it was rolled back';
  return terminal(
    'COAX_GROUP_FAILED',
    `${counted}branch ${root?.branch} (message ${root?.msgid}) failed: ${reason}`,
    { children: children.map(child => child.msgid), ...root, ...(counted !== '' && { counted }) },
  );
}

/** The branch that failed by itself: of groups in groups the innermost, `2.0` being branch 0 of the group in branch 2. */
interface FailedBranch {
  readonly branch: string;
  readonly msgid: number;
  readonly error?: { readonly code: string; readonly reason: string };
  /** How many failed and how many were tolerated, of each group on the way that tolerates any. */
  readonly counted?: string;
}

function rootOf({ msgid, parent, error }: Message): FailedBranch {
  const branch = String(parent?.branch);
  if (!error) return { branch, msgid };
  const { code, reason, detail } = error;
  const inner = code === 'COAX_GROUP_FAILED' ? (detail as Partial<FailedBranch> | undefined) : undefined;
  if (inner?.branch === undefined || inner.msgid === undefined)
    return { branch, msgid, error: { code, reason } };
  return {
    branch: `${branch}.${inner.branch}`,
    msgid: inner.msgid,
    ...(inner.error && { error: inner.error }),
    ...(inner.counted !== undefined && { counted: inner.counted }),
  };
}

/** What a child has set, without what it was given. */
function setBy(child: Message): Parameters {
  return Object.assign(
    {},
    ...child.trail.map(entry => ('set' in entry ? entry.set : entry.edit)),
  ) as Parameters;
}

/** What the branches have set, joined; with those that failed, if any did. */
function merge(
  step: GroupStep,
  branches: readonly ChildPlan[],
  children: readonly Message[],
  partly: Partly | null,
): Outcome {
  const byBranch = new Map(children.map(child => [child.parent?.branch, child]));
  const sets = branches.map((_, index) => {
    const child = byBranch.get(index);
    if (child?.phase === 'rolled_back') return null;
    return child === undefined ? {} : setBy(child);
  });
  const failed = failedBranches(step, branches, children);
  const merged = 'each' in step ? collected(step, sets) : joined(step, sets);
  if (typeof merged === 'string') return terminal('COAX_GROUP_FAILED', merged);
  const set = step.failed === undefined ? merged : { ...merged, [step.failed]: failed };
  return partly === null
    ? ok(set)
    : { kind: 'ok', set, partly, detail: { failed: failed.slice(0, FAILED_SHOWN) } };
}

/** Each branch that failed: which it was, and why. */
function failedBranches(
  step: GroupStep,
  branches: readonly ChildPlan[],
  children: readonly Message[],
): { readonly [name: string]: Json }[] {
  return children
    .filter(({ phase }) => phase === 'rolled_back')
    .map(({ msgid, parent, error, cause }) => {
      const index = parent?.branch ?? 0;
      const which = 'each' in step ? { item: branches[index]?.parameters[step.as] ?? null } : {};
      const reason = (error?.reason ?? String(cause)).slice(0, REASON_SHOWN).toWellFormed();
      const code = error?.code ?? 'COAX_STEP_CANCELLED';
      return { branch: branches[index]?.name ?? String(index), ...which, message: msgid, code, reason };
    });
}

const collected = ({ collect }: EachStep, sets: readonly (Parameters | null)[]): Parameters =>
  collect === undefined ? {} : { [collect]: sets };

/** One object of what all have set; a text when two set the same name. */
function joined(step: AllStep, sets: readonly (Parameters | null)[]): Parameters | string {
  const merged: Record<string, Json> = {};
  for (const [index, set] of sets.entries()) {
    if (set === null) continue;
    const { name } = step.all[index] as Branch;
    for (const [key, value] of Object.entries(name === undefined ? set : { [name]: set })) {
      if (Object.hasOwn(merged, key)) {
        return `two branches set ${key}: name the branches, so that each sets an object of its own`;
      }
      merged[key] = value;
    }
  }
  return merged;
}
