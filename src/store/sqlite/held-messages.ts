import type { Message } from '../../message/message.ts';

/** A message that a worker holds: how far it is, and how far its row in `messages` is. */
export interface Held {
  readonly fence: number;
  /** seq of its newest commit. */
  readonly seq: number;
  /** seq that its row tells. */
  readonly rowSeq: number;
  /** The message as it is when its row is behind; null when the row tells all. */
  readonly newer: Message | null;
}

/**
 * The claims of this process, as the transaction under way sees them. While a worker goes on with a message from step to step, each
 * transition is one row of the ledger, and the message's own row is written when somebody else may need it: when the worker is
 * done with it, when a person asks for something, when the lease ends. A row that is behind always has a lease, and whoever
 * reads it brings it up to date by the ledger (statements/catch-up.ts).
 */
export class HeldMessages {
  readonly #held = new Map<number, Held>();
  /** Of the transaction under way: msgid and what stood there before. */
  readonly #before: { readonly msgid: number; readonly held: Held | undefined }[] = [];

  get(msgid: number): Held | undefined {
    return this.#held.get(msgid);
  }

  set(msgid: number, held: Held): void {
    this.#before.push({ msgid, held: this.#held.get(msgid) });
    this.#held.set(msgid, held);
  }

  delete(msgid: number): void {
    const held = this.#held.get(msgid);
    if (held === undefined) return;
    this.#before.push({ msgid, held });
    this.#held.delete(msgid);
  }

  /** Messages whose rows are behind. */
  behind(): number[] {
    return [...this.#held].flatMap(([msgid, { newer }]) => (newer === null ? [] : [msgid]));
  }

  /** The transaction is durable. */
  keep(): void {
    this.#before.length = 0;
  }

  mark(): number {
    return this.#before.length;
  }

  /** What was changed since that mark did not happen. */
  backTo(mark: number): void {
    while (this.#before.length > mark) {
      const { msgid, held } = this.#before.pop()!;
      if (held === undefined) this.#held.delete(msgid);
      else this.#held.set(msgid, held);
    }
  }
}
