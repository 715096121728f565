import type { Message, Parameters } from '../message/message.ts';
import type { StepOutcome } from '../message/outcome.ts';
import type { Claim, ClaimRef, ExtendAnswer } from '../store/store.ts';
import type { Together, Tx } from '../store/tx.ts';
import type { Revealed } from './secrets.ts';

/**
 * Nobody may claim a step whose action is unknown to a worker for so long, so that it does not come back at once: where another knows
 * it, and where nobody is known to.
 */
export const UNKNOWN_AGAIN_MS = { known: 500, unknown: 2000 };

export type { Claim, ClaimRef, ExtendAnswer } from '../store/store.ts';

/**
 * The shared cable as a worker sees it: claim, extend, finish. A worker tells what a step came to; what follows from it
 * (the next state, the commit) is the channel's business, the same for every worker in any language.
 */
export interface Channel {
  /** Waits up to `waitMs` for work at these addresses; may return fewer than `limit`, or none. */
  claim(request: ClaimWish, signal?: AbortSignal): Promise<readonly Claim[]>;
  /** Holds claims for longer, and hears of cancels. */
  extend(claims: readonly ClaimRef[], leaseMs: number): Promise<readonly ExtendAnswer[]>;
  /** Resolves when the transition is durable. */
  finish(end: Finish): Promise<FinishAnswer>;
  /**
   * Opens, for the step of a claim that still holds, the secrets among its parameters that have these names; null when the claim
   * is lost. Errors: COAX_SECRET_KEY_MISSING.
   */
  reveal(claim: Claim, names: readonly string[]): Promise<Revealed | null>;
  /** Gives claims back without doing their steps; nobody may claim them for `afterMs` (0 if absent). */
  release(claims: readonly ClaimRef[], begun: boolean, afterMs?: number): Promise<void>;
  /** Tells of a message of this worker that a person asked something of: its step should end soon. Returns what ends it. */
  onAsk(worker: string, listener: (msgid: number) => void): () => void;
  /**
   * Tells that all this worker holds is taken from it: the connection by which it is known to live has broken. Missing
   * where there is none that could. Returns what ends it.
   */
  onLost?(worker: string, listener: () => void): () => void;
}

export interface ClaimWish {
  /** Name of the worker, unique among living workers. */
  readonly worker: string;
  readonly addresses: readonly string[];
  readonly limit: number;
  readonly leaseMs: number;
  readonly waitMs: number;
  /**
   * What ends the first step of a message that is just being accepted, where the store's transaction that accepts it may do that too;
   * null where the step is for the worker to do. A channel that accepts nothing does not ask.
   */
  first?(claim: Claim): Finish | null;
}

export interface Finish {
  readonly claim: Claim;
  /** The outcome, or for a transactional action how to get it inside the transaction. */
  readonly outcome: StepOutcome | ((tx: Tx) => Promise<StepOutcome>);
  /** Of such an action: how its outcome may be got together with others. Only successes: any other is got alone. */
  readonly together?: Together<StepOutcome>;
  /** Paths of the values in `set` that the action calls secret: they are sealed before anything is kept. */
  secret?(set: Parameters): readonly (readonly string[])[];
  /** SHA-256 (hex) of the code that ran; null if none did. */
  readonly code: string | null;
  /** When the step began and ended (ms since 1970). */
  readonly started: number;
  readonly finished: number;
  /** Asks to keep the message when its next step has one of these addresses. */
  readonly keepAt?: ReadonlySet<string>;
}

/** `claim`: the claim on the next step when it was kept. `lost`: another worker has the message; forget it. */
export type FinishAnswer =
  | { readonly kind: 'written'; readonly message: Message; readonly claim: Claim | null }
  | { readonly kind: 'lost' };
