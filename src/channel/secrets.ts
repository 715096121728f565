import type { Message, Parameters } from '../message/message.ts';
import type { StepOutcome } from '../message/outcome.ts';

/** The secrets of one step, open. Lives as long as the step does. */
export interface Revealed {
  /** Of the names that were asked for, those that are secrets or hold some. */
  readonly parameters: Parameters;
  /** When undoing: what the step had set. */
  readonly output: Parameters;
}

/** The one place at which secrets are opened for a step and its outcome is made fit to be kept: where the keys are. */
export interface Secrets {
  /** Null when all keys of the message are known; else resolves when it was looked whether another server has made them. */
  learn(message: Message): Promise<void> | null;
  /** Opens, of the parameters of the step at the cursor, those with these names. Errors: COAX_SECRET_KEY_MISSING. */
  reveal(message: Message, names: readonly string[]): Revealed;
  /**
   * The outcome of that step as it may be kept: what lies at `secret` in its `set` is sealed, and whatever else repeats a
   * secret of the message is sealed or crossed out.
   */
  conceal(message: Message, outcome: StepOutcome, secret: readonly (readonly string[])[]): StepOutcome;
}
