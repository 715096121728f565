import type { Claim } from '../channel/channel.ts';
import type { Revealed } from '../channel/secrets.ts';
import { CoaxError } from '../errors/coax-error.ts';
import { addressOf, hostOf } from '../message/address.ts';
import type { Trace } from '../message/carried/trace.ts';
import type { ActionStep, Json, Mode, Parameters } from '../message/message.ts';
import { outputOf, parametersOf, parametersToUndo } from '../message/parameters.ts';
import { withoutSealed } from '../message/secret/sealed.ts';
import type { StepCall } from '../step/contract.ts';
import type { Tx } from '../store/tx.ts';
import { StepSpan } from './step-span.ts';

/** Why a step was told to stop. */
export type StopReason = 'timeout' | 'asked' | 'lost' | 'drain';

/** Bytes of a step's log that are kept with its commit. */
const LOG_MAX = 4096;

/** One step as it runs: what the action may know of it, and the way to stop it. Most steps never ask for a signal. */
export class RunningStep implements StepCall {
  readonly claim: Claim;
  readonly msgid: number;
  readonly step: number;
  readonly attempt: number;
  readonly mode: Mode;
  readonly parameters: Parameters;
  readonly output: Parameters;
  readonly worker: string;
  readonly timeoutMs: number;
  readonly tx?: Tx;
  readonly span: StepSpan;
  stopped: StopReason | null = null;
  /** Monotonic instant in milliseconds; none while it waits for its turn. */
  deadline = Number.POSITIVE_INFINITY;
  kept: Json | undefined;
  #controller: AbortController | undefined;
  #log = '';

  /** `revealed`: the secrets that the action is to have; it is given no others. Null when the message holds none at all. */
  constructor(claim: Claim, step: ActionStep, worker: string, revealed: Revealed | null, tx?: Tx) {
    const { message } = claim;
    this.claim = claim;
    this.msgid = claim.msgid;
    this.step = message.cursor;
    this.attempt = message.attempt + 1;
    this.mode = message.mode;
    const undoing = message.mode === 'rollback';
    const parameters = undoing ? parametersToUndo(message, message.cursor) : parametersOf(message);
    this.parameters = revealed === null ? parameters : open(parameters, revealed.parameters);
    const output = undoing ? outputOf(message, message.cursor) : NOTHING;
    this.output = revealed === null ? output : open(output, revealed.output);
    this.worker = worker;
    this.timeoutMs = step.timeoutMs;
    this.span = new StepSpan(message, step, worker);
    if (tx !== undefined) this.tx = tx;
  }

  get key(): string {
    return `${this.msgid}.${this.step}`;
  }

  get trace(): Trace | null {
    return this.span.trace;
  }

  get fence(): number {
    return this.claim.fence;
  }

  get host(): string | null {
    const { message } = this.claim;
    const address = addressOf(message, message.plan);
    return address === null ? null : hostOf(address);
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.stopped !== null && !this.#controller.signal.aborted)
      this.#controller.abort(reasonOf(this.stopped));
    return this.#controller.signal;
  }

  /** Its time runs from now (monotonic). */
  begin(now: number): void {
    this.deadline = now + this.timeoutMs;
  }

  stop(reason: StopReason): void {
    if (this.stopped !== null) return;
    this.stopped = reason;
    this.#controller?.abort(reasonOf(reason));
  }

  log(line: string): void {
    this.#log = `${this.#log}${line}\n`.slice(-LOG_MAX);
  }

  get logged(): string {
    return this.#log;
  }

  detail(value: Json): void {
    this.kept = value;
  }
}

const NOTHING: Parameters = {};

/** With the secrets that were opened, and without those that were not. */
function open(parameters: Parameters, revealed: Parameters): Parameters {
  const bare = withoutSealed(parameters);
  return bare === parameters ? parameters : { ...bare, ...revealed };
}

/** What the action finds as `signal.reason`. */
function reasonOf(stopped: StopReason): CoaxError {
  switch (stopped) {
    case 'timeout':
      return new CoaxError('COAX_STEP_TIMEOUT', 'the step took longer than its timeout');
    case 'asked':
      return new CoaxError('COAX_STEP_CANCELLED', 'a person called the message back');
    case 'lost':
      return new CoaxError('COAX_LEASE_LOST', 'another worker has the message');
    case 'drain':
      return new CoaxError('COAX_STEP_LOST', 'this worker ends');
  }
}
