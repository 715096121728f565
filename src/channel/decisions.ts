import type { Message, Parameters } from '../message/message.ts';
import type { Resolution } from '../message/outcome.ts';

/** What a person may decide about a message. Each resolves with the message as it stands when the decision is durable. */
export interface Decisions {
  /** Turns the message back; a worker that runs its step is told to stop. COAX_MESSAGE_STATE, COAX_MESSAGE_NOT_FOUND. */
  cancel(msgid: number, by: Decider): Promise<Message>;
  /** Walks a finished message back. COAX_MESSAGE_BUILT_ON unless `force`. */
  revert(msgid: number, by: Decider, force?: boolean): Promise<Message>;
  /** Walks back to a step, undoing it too, changes parameters, and goes forward again. */
  rewind(msgid: number, to: number, edit: Parameters, by: Decider): Promise<Message>;
  /** Decides for a parked message. */
  resolve(msgid: number, how: Resolution, edit: Parameters, by: Decider): Promise<Message>;
  /**
   * Takes on a message that waits for a person, or the one beneath it that does; `approves` false fails its step for good.
   * COAX_MESSAGE_STATE when none waits.
   */
  approve(msgid: number, approves: boolean, by: Decider): Promise<Message>;
  /**
   * A new message from the state that another had right after that commit (full id), with some parameters changed. Steps
   * that were done before the commit are not done again, and belong to the first message: rolling the fork back does not undo them.
   */
  fork(commitId: string, edit: Parameters, by: Decider): Promise<Message>;
}

/** Who decides, and why; both stand in the ledger. */
export interface Decider {
  readonly actor: string;
  readonly reason: string;
  /** First digits of the heads that the message may have; COAX_CHANGED when it has another. Any when absent. */
  readonly heads?: readonly string[];
  /** The decision is made and undone in one transaction: errors are those that it would have, and nothing has happened. */
  readonly trial?: boolean;
}
