import {
  type Channel,
  type Claim,
  type Finish,
  type FinishAnswer,
  UNKNOWN_AGAIN_MS,
} from '../channel/channel.ts';
import type { Revealed } from '../channel/secrets.ts';
import { isCoaxError } from '../errors/coax-error.ts';
import { type ActionStep, isGroup } from '../message/message.ts';
import { type StepOutcome, terminal } from '../message/outcome.ts';
import { hasSecret, secretPlaces } from '../message/secret/secret-places.ts';
import { stepLabel } from '../message/step-label.ts';
import type { Action, Catalogue } from '../step/contract.ts';
import { REAL_TIMERS, type Timers } from '../store/timers.ts';
import type { Together, Tx } from '../store/tx.ts';
import { bounded, boundedTogether } from './bounded.ts';
import { calledOff, irreversible, timedOut, unknown, withNotes } from './outcomes.ts';
import { RunningStep } from './running-step.ts';
import { mayHoldSecrets, type Secrets, secretsFor } from './secrets-for.ts';
import { Slots } from './slots.ts';

export interface WorkerOptions {
  /** Unique among living workers. */
  readonly name: string;
  readonly channel: Channel;
  readonly catalogue: Catalogue;
  /** Addresses served now; asked before every claim, so that new modules are served without a restart. */
  addresses(): readonly string[];
  /** Milliseconds since 1970 for the ledger. */
  now(): number;
  /** Steps under way at one time. */
  readonly concurrency?: number;
  /** Executables running at one time. */
  readonly executables?: number;
  readonly leaseMs?: number;
  readonly timers?: Timers;
  /** Whether another living worker knows that action. What is unknown here is then left to others, who may only come; if absent, it fails. */
  isKnown?(module: string, action: string): boolean;
  /** Hears of what cannot be told in a message: a store that is unavailable. */
  onFault?(error: unknown): void;
}

const CONCURRENCY = 512;
const EXECUTABLES = 16;
const LEASE_MS = 30_000;
const SWEEP_MS = 100;
/** A function that ignores its signal is left to itself so long after its timeout. */
const GRACE_MS = 2_000;
const AGAIN_MS = 500;
const WAIT_MS = 30_000;

/** Until when a claim is held for certain (monotonic). */
interface Lease {
  until: number;
}

interface Performed {
  readonly outcome: StepOutcome;
  readonly call: RunningStep;
}

interface Entry {
  readonly call: RunningStep;
  readonly lease: Lease;
  giveUp: ((outcome: StepOutcome) => void) | null;
  readonly external: boolean;
}

/**
 * Takes messages from a channel and does their steps. It keeps nothing: everything it knows is in its claims, so it may
 * die at any instant and another carries on at the cursor.
 */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #timers: Timers;
  readonly #running = new Map<number, Entry>();
  readonly #executables: Slots;
  readonly #stop = new AbortController();
  /** Ends the wait for work: at the stop, and when other addresses are served than were asked for. */
  #waiting = new AbortController();
  #asked: readonly string[] = [];
  readonly #quiet: (() => void)[] = [];
  readonly #stopAsk: () => void;
  readonly #stopLost: (() => void) | undefined;
  /** How often claims may have been lost unheard: a claim of an earlier time is begun no more. */
  #losses = 0;
  #swept: number;
  #stopSweep: (() => void) | undefined;
  #inFlight = 0;
  #extended: number;
  #freed: (() => void) | undefined;
  readonly #loop: Promise<void>;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#timers = options.timers ?? REAL_TIMERS;
    this.#executables = new Slots(options.executables ?? EXECUTABLES);
    this.#extended = this.#swept = this.#timers.monotonic();
    this.#stopAsk = options.channel.onAsk(options.name, msgid =>
      this.#running.get(msgid)?.call.stop('asked'),
    );
    this.#stopLost = options.channel.onLost?.(options.name, () => this.#lose());
    this.#sweepLater();
    this.#loop = this.#run();
  }

  get name(): string {
    return this.#options.name;
  }

  /** Steps under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Takes no more messages, lets the steps under way end, and after `graceMs` tells them to stop. Resolves when nothing
   * runs any more.
   */
  async drain(graceMs: number): Promise<void> {
    this.#stop.abort();
    this.#waiting.abort();
    this.#freed?.();
    await this.#loop;
    const stop = this.#timers.after(graceMs, () => {
      for (const { call } of this.#running.values()) call.stop('drain');
    });
    while (this.#inFlight > 0) await new Promise<void>(resolve => this.#quiet.push(resolve));
    stop();
    this.#stopSweep?.();
    this.#stopAsk();
    this.#stopLost?.();
  }

  /** Nothing that it holds is its own any more. */
  #lose(): void {
    this.#losses += 1;
    for (const { call } of this.#running.values()) call.stop('lost');
  }

  async #run(): Promise<void> {
    const { channel, name } = this.#options;
    const concurrency = this.#options.concurrency ?? CONCURRENCY;
    const leaseMs = this.#leaseMs;
    while (!this.#stop.signal.aborted) {
      const limit = concurrency - this.#inFlight;
      if (limit <= 0) {
        await new Promise<void>(resolve => {
          this.#freed = resolve;
        });
        // Let the rest of the batch come free too, so that one claim fills all the places.
        await new Promise<void>(resolve => this.#timers.soon(resolve));
        continue;
      }
      try {
        const addresses = this.#options.addresses();
        this.#asked = addresses;
        const first = (claim: Claim) => this.#first(claim);
        const wish = { worker: name, addresses, limit, leaseMs, waitMs: WAIT_MS, first };
        const losses = this.#losses;
        for (const claim of await channel.claim(wish, this.#waiting.signal)) void this.#carry(claim, losses);
      } catch (error) {
        this.#options.onFault?.(error);
        await this.#pause(AGAIN_MS);
      }
    }
  }

  /** Takes one message as far as it goes here. */
  async #carry(first: Claim, losses: number): Promise<void> {
    this.#inFlight += 1;
    const { channel, onFault } = this.#options;
    const lease: Lease = { until: this.#timers.monotonic() + this.#leaseMs };
    try {
      let claim: Claim | null = first;
      while (claim !== null) {
        const done = this.#doStep(claim, lease, losses);
        const end: Finish | null = done instanceof Promise ? await done : done;
        if (end === null) break;
        try {
          claim = claimOf(await channel.finish(end));
        } catch (error) {
          claim = await this.#insist(end, error);
        }
      }
    } catch (error) {
      onFault?.(error);
    } finally {
      this.#inFlight -= 1;
      this.#freed?.();
      if (this.#inFlight === 0) for (const wake of this.#quiet.splice(0)) wake();
    }
  }

  /** What the step came to, at once where it can be: each promise on the way shows in the profile. Null: it was given back. */
  #doStep(claim: Claim, lease: Lease, losses: number): Finish | null | Promise<Finish | null> {
    // It may have been given after the loss: then nobody else would see to it before the lease ends.
    if (losses !== this.#losses) return this.#giveBack(claim, false);
    const { message } = claim;
    const step = message.plan.steps[message.cursor];
    if (step === undefined || isGroup(step)) return this.#giveBack(claim, false);
    const action = this.#options.catalogue.find(step.module, step.action);
    if (action === null) {
      // Another worker may know the action: this one is older or newer. If none does, one is about to be started, as a rule: until
      // then `coax why` and `coax doctor` tell.
      const isKnown = this.#options.isKnown?.(step.module, step.action);
      if (isKnown === undefined) return this.#end(claim, unknown(step), null);
      return this.#giveBack(claim, false, UNKNOWN_AGAIN_MS[isKnown ? 'known' : 'unknown']);
    }
    if (message.mode === 'rollback' && !action.undoable) return this.#end(claim, irreversible(step), action);
    const started = this.#options.now();
    const secrets = secretsFor(this.#options.channel, claim, action);
    if (secrets instanceof Promise)
      return secrets.then(known => this.#doKnowing(known, claim, lease, step, action, started));
    return this.#doKnowing(secrets, claim, lease, step, action, started);
  }

  #doKnowing(
    secrets: Secrets,
    claim: Claim,
    lease: Lease,
    step: ActionStep,
    action: Action,
    started: number,
  ): Finish | null | Promise<Finish | null> {
    if (secrets.kind === 'lost') return null;
    if (secrets.kind === 'failed') return this.#end(claim, secrets.outcome, null, started);
    if (action.kind === 'transactional') return this.#inTransaction(claim, step, action, secrets.revealed);
    const performed = this.#perform(claim, lease, step, action, secrets.revealed);
    if (performed instanceof Promise) return performed.then(how => this.#endOf(how, claim, action, started));
    return this.#endOf(performed, claim, action, started);
  }

  #endOf(
    { outcome, call }: Performed,
    claim: Claim,
    action: Action,
    started: number,
  ): Finish | null | Promise<null> {
    // Nothing is known of what the next owner does with it.
    if (call.stopped === 'lost') return null;
    if (call.stopped === 'drain' && outcome.kind !== 'ok')
      return this.#giveBack(claim, outcome.error.begun !== false);
    return this.#end(claim, withNotes(outcome, call), action, started);
  }

  async #giveBack(claim: Claim, begun: boolean, afterMs?: number): Promise<null> {
    await this.#options.channel.release([claim], begun, afterMs);
    return null;
  }

  /** A function that is done at once is done before anything else can happen; whatever takes its time can be stopped. */
  #perform(
    claim: Claim,
    lease: Lease,
    step: ActionStep,
    action: Action,
    revealed: Revealed | null,
  ): Performed | Promise<Performed> {
    const external = action.kind === 'executable';
    const call = new RunningStep(claim, step, this.#options.name, revealed);
    if (external) return this.#performLater(call, lease, action, external);
    const now = this.#timers.monotonic();
    if (now >= lease.until) {
      call.stop('lost');
      return ended(call, calledOff(call));
    }
    call.begin(now);
    const outcome = call.span.run(() => action.run(call));
    if (outcome instanceof Promise) return this.#performLater(call, lease, action, external, outcome);
    return ended(call, outcome);
  }

  /** `begun`: what it comes to, if it has begun. */
  async #performLater(
    call: RunningStep,
    lease: Lease,
    action: Action,
    external: boolean,
    begun?: Promise<StepOutcome>,
  ): Promise<Performed> {
    const { msgid } = call;
    const entry: Entry = { call, lease, giveUp: null, external };
    // Before its turn, so that its lease is extended while it waits.
    this.#running.set(msgid, entry);
    if (external) await this.#executables.take();
    try {
      // Another may be at it by now.
      if (this.#timers.monotonic() >= lease.until) call.stop('lost');
      if (call.stopped !== null && begun === undefined) return ended(call, calledOff(call));
      if (begun === undefined) call.begin(this.#timers.monotonic());
      const outcome = await new Promise<StepOutcome>(resolve => {
        entry.giveUp = resolve;
        Promise.resolve(begun ?? call.span.run(() => action.run(call))).then(resolve, error =>
          resolve(terminal('COAX_INTERNAL', String(error))),
        );
      });
      return ended(call, outcome);
    } finally {
      // A claim that was lost may be here once more by now.
      if (this.#running.get(msgid) === entry) this.#running.delete(msgid);
      if (external) this.#executables.give();
    }
  }

  /** The first step of a message that is being accepted, where the transaction that accepts it may do that too. */
  #first(claim: Claim): Finish | null {
    const { message } = claim;
    const step = message.plan.steps[message.cursor];
    if (step === undefined || isGroup(step) || message.mode === 'rollback' || mayHoldSecrets(message))
      return null;
    const action = this.#options.catalogue.find(step.module, step.action);
    if (action?.kind !== 'transactional' || action.together === undefined) return null;
    return this.#inTransaction(claim, step, action, null);
  }

  /** How a transactional step ends. */
  #inTransaction(claim: Claim, step: ActionStep, action: Action, revealed: Revealed | null): Finish {
    const run = async (tx: Tx): Promise<StepOutcome> => {
      const call = new RunningStep(claim, step, this.#options.name, revealed, tx);
      const outcome = await bounded(
        this.#timers,
        call.span.run(() => action.run(call)),
        step,
      );
      call.span.end(outcome);
      return withNotes(outcome, call);
    };
    const begun = this.#options.now();
    return this.#end(claim, run, action, begun, this.#together(claim, step, action, revealed));
  }

  /** Undoing is done one by one. */
  #together(
    claim: Claim,
    step: ActionStep,
    action: Action,
    revealed: Revealed | null,
  ): Together<StepOutcome> | undefined {
    if (action.together === undefined || claim.message.mode === 'rollback') return undefined;
    return {
      kind: action,
      item: (tx: Tx) => new RunningStep(claim, step, this.#options.name, revealed, tx),
      all: async (tx, items) => {
        const calls = (items as readonly ((tx: Tx) => RunningStep)[]).map(callIn => callIn(tx));
        const outcomes = await boundedTogether(this.#timers, action.together!(calls), step);
        return outcomes.map((outcome, index) => {
          if (!outcome) return outcome;
          calls[index]!.span.end(outcome);
          return withNotes(outcome, calls[index]!);
        });
      },
    };
  }

  #end(
    claim: Claim,
    outcome: Finish['outcome'],
    action: Action | null,
    started = this.#options.now(),
    together?: Together<StepOutcome>,
  ): Finish {
    const end: { -readonly [Name in keyof Finish]: Finish[Name] } = {
      claim,
      outcome,
      code: action?.code ?? null,
      started,
      finished: this.#options.now(),
    };
    if (action !== null && hasSecret(action.output)) end.secret = set => secretPlaces(action.output, set);
    if (!this.#stop.signal.aborted) end.keepAt = this.#served();
    if (together !== undefined) end.together = together;
    return end;
  }

  /** The outcome is not lost while this process lives: a full disk or a lost connection is waited out. */
  async #insist(end: Finish, error: unknown): Promise<Claim | null> {
    for (let fault = error; ; ) {
      this.#options.onFault?.(fault);
      if (!isCoaxError(fault) || fault.kind !== 'unavailable') return this.#give(end.claim, fault);
      await this.#pause(AGAIN_MS);
      try {
        return claimOf(await this.#options.channel.finish(end));
      } catch (again) {
        fault = again;
      }
    }
  }

  /** The channel refused the outcome itself (too large, not JSON): that is the step's failure. */
  async #give(claim: Claim, error: unknown): Promise<null> {
    const { plan, cursor } = claim.message;
    const [code, reason] = isCoaxError(error)
      ? [error.code, error.reason]
      : ['COAX_INTERNAL', 'the outcome could not be written'];
    const outcome = terminal(code, `${stepLabel(plan.steps[cursor]!)}: ${reason}`);
    try {
      const now = this.#options.now();
      await this.#options.channel.finish({ claim, outcome, code: null, started: now, finished: now });
    } catch (again) {
      this.#options.onFault?.(again);
    }
    return null;
  }

  #addressSet: ReadonlySet<string> = new Set();
  #addressList: readonly string[] = [];
  #served(): ReadonlySet<string> {
    const addresses = this.#options.addresses();
    if (!sameList(addresses, this.#addressList)) {
      this.#addressList = addresses;
      this.#addressSet = new Set(addresses);
    }
    return this.#addressSet;
  }

  #sweepLater(): void {
    this.#stopSweep = this.#timers.after(
      SWEEP_MS,
      () => {
        this.#sweep();
        this.#sweepLater();
      },
      true,
    );
  }

  get #leaseMs(): number {
    return this.#options.leaseMs ?? LEASE_MS;
  }

  /** Ends what is over its time and what may be another's by now, and holds on to what still runs. */
  #sweep(): void {
    const now = this.#timers.monotonic();
    if (!sameList(this.#options.addresses(), this.#asked) && !this.#stop.signal.aborted) {
      this.#waiting.abort();
      this.#waiting = new AbortController();
    }
    const leaseMs = this.#leaseMs;
    // The process was stopped: a claim that arrives now may have been made long ago.
    if (now - this.#swept > leaseMs / 3) this.#losses += 1;
    this.#swept = now;
    for (const { call, lease, giveUp, external } of this.#running.values()) {
      if (now >= lease.until) call.stop('lost');
      if (now < call.deadline) continue;
      call.stop('timeout');
      // An executable ends its processes itself and then tells; a function may never listen.
      if (!external && now > call.deadline + GRACE_MS) giveUp?.(timedOut(call));
    }
    if (now - this.#extended > leaseMs / 3) {
      this.#extended = now;
      void this.#extend(leaseMs);
    }
  }

  async #extend(leaseMs: number): Promise<void> {
    const entries = [...this.#running.values()];
    if (entries.length === 0) return;
    const asked = this.#timers.monotonic();
    try {
      const answers = await this.#options.channel.extend(
        entries.map(({ call }) => call.claim),
        leaseMs,
      );
      for (const [index, answer] of answers.entries()) {
        const entry = entries[index];
        if (entry !== undefined && answer !== 'lost') entry.lease.until = asked + leaseMs;
        if (answer !== 'held') entry?.call.stop(answer === 'lost' ? 'lost' : 'asked');
      }
    } catch (error) {
      this.#options.onFault?.(error);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#timers.after(ms, resolve);
    });
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]));
}

function claimOf(answer: FinishAnswer): Claim | null {
  return answer.kind === 'written' ? answer.claim : null;
}

function ended(call: RunningStep, outcome: StepOutcome): Performed {
  call.span.end(outcome);
  return { outcome, call };
}
