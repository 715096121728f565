import type { StepCall } from '../../src/step/contract.ts';
import type { RunningStep } from '../../src/worker/running-step.ts';
import type { Life } from './virtual-time.ts';

/** A step that runs somewhere, as the world outside Coax sees it. */
export interface ActiveCall {
  readonly call: RunningStep;
  readonly life: Life;
}

/**
 * The world outside Coax: what steps made there, by idempotency key. It survives every crash of ours. What must never
 * happen is written down the moment it does.
 */
export class Model {
  /** Token of each thing that exists, by idempotency key. */
  readonly effects = new Map<string, string>();
  /** Steps that some worker was given to do. */
  readonly granted = new Set<string>();
  /** Keys that a person decided to leave behind. */
  readonly skipped = new Set<string>();
  /** Claims may have been forgotten: then what waits is undone although nobody had it. */
  powerLost = false;
  readonly violations: string[] = [];
  /** Groups that were done although branches failed. */
  tolerated = 0;
  readonly trace: string[] = [];
  readonly #active = new Map<number, Set<ActiveCall>>();
  /** Messages whose undo was given other parameters by a person. */
  readonly edited = new Set<number>();
  readonly #made = new Map<string, { host: string | null; cpu: unknown }>();
  #tokens = 0;

  violation(text: string): void {
    this.violations.push(text);
    this.trace.push(`!! ${text}`);
  }

  note(text: string): void {
    this.trace.push(text);
  }

  token(): string {
    this.#tokens += 1;
    return `t${this.#tokens}`;
  }

  /** `current`: the caller still holds its claim. Who was frozen may begin what it lost long ago, and changes nothing. */
  begin(given: StepCall, life: Life, current: boolean): ActiveCall {
    const active = { call: given as RunningStep, life };
    const { msgid, step, mode } = given;
    if (!current) {
      if (!life.disturbed) this.violation(`${given.worker} began ${mode} of ${given.key}, which it had lost`);
      return active;
    }
    let others = this.#active.get(msgid);
    if (others === undefined) {
      others = new Set();
      this.#active.set(msgid, others);
    }
    for (const other of others) {
      if (other.life.dead) others.delete(other);
      else if (!other.life.disturbed) {
        this.violation(
          `${mode} of ${given.key} at ${given.worker} began while ${other.call.mode} of ${other.call.key} ran at ${other.call.worker}`,
        );
      }
    }
    others.add(active);
    if (mode === 'rollback' && !this.powerLost && !this.granted.has(given.key))
      this.violation(`undo of ${given.key}, which nobody ever had`);
    for (const key of this.#later(msgid, step)) {
      if (!this.skipped.has(key)) this.violation(`${mode} of ${given.key} began while ${key} still exists`);
    }
    return active;
  }

  /** The step's effect comes into being, at the host where the step runs; once only. */
  make(call: StepCall): void {
    // What a person left behind is theirs; done again, perhaps elsewhere, the step has an effect of its own.
    if (this.effects.has(call.key) && !this.skipped.delete(call.key)) return;
    this.effects.set(call.key, this.token());
    this.#made.set(call.key, { host: call.host, cpu: call.parameters.cpu });
  }

  /** An undo must come to the host where the effect is, and be given what made it. */
  undo(call: StepCall): void {
    const made = this.#made.get(call.key);
    if (this.effects.delete(call.key) && made !== undefined) {
      if (made.host !== call.host)
        this.violation(`undo of ${call.key} came to ${call.host}, but it was made at ${made.host}`);
      if (made.cpu !== call.parameters.cpu && !this.edited.has(call.msgid))
        this.violation(
          `undo of ${call.key} was given cpu ${call.parameters.cpu}, but it was made with ${made.cpu}`,
        );
    }
    this.#made.delete(call.key);
  }

  end(active: ActiveCall): void {
    this.#active.get(active.call.msgid)?.delete(active);
  }

  #later(msgid: number, step: number): string[] {
    return this.effectsOf(msgid).filter(key => Number(key.split('.')[1]) > step);
  }

  effectsOf(msgid: number): string[] {
    const prefix = `${msgid}.`;
    return [...this.effects.keys()].filter(key => key.startsWith(prefix));
  }
}
