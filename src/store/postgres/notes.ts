import type { Commit } from '../../ledger/commit.ts';
import type { Message } from '../../message/message.ts';
import type { CommitEvent } from '../store.ts';

/** What a transaction will tell once it is durable. */
export class Notes {
  readonly events: CommitEvent[] = [];
  readonly ready: string[] = [];
  readonly asked: { msgid: number; worker: string }[] = [];

  note(message: Message, commits: readonly Commit[]): void {
    this.events.push({ message, commits });
  }

  mark(): readonly [number, number, number] {
    return [this.events.length, this.ready.length, this.asked.length];
  }

  /** Forgets what came after the mark. */
  backTo([events, ready, asked]: readonly [number, number, number]): void {
    this.events.length = events;
    this.ready.length = ready;
    this.asked.length = asked;
  }
}
