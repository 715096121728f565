import { invariant } from '../../errors/coax-error.ts';
import { type Commit, commitId } from '../../ledger/commit.ts';
import { canonical } from '../../message/canonical.ts';
import type { Message, Plan } from '../../message/message.ts';
import { Turns } from '../projects/turns.ts';
import type { CommitEvent } from '../store.ts';
import type { StoreClock } from './clock.ts';
import { CommitRows } from './commit-rows.ts';
import type { Connection } from './connection.ts';
import { HeldMessages } from './held-messages.ts';
import { IdIndex } from './id-index.ts';
import { waiting } from './statements/accepted.ts';
import { lastMsgid } from './statements/last-msgid.ts';
import type { Mark } from './write-queue.ts';

const PLANS_MAX = 10_000;

/** What the statements of one open database share: connections, clock, caches, and what to tell after the transaction. */
export class Engine {
  readonly writer: Connection;
  readonly reader: Connection;
  readonly clock: StoreClock;
  readonly ids: IdIndex;
  readonly commits: CommitRows;
  readonly held = new HeldMessages();
  readonly turns = new Turns();
  readonly #hashes = new WeakMap<Plan, { hash: string; body: string }>();
  readonly #plans = new Map<string, Plan>();
  #lastMsgid = 0;
  /** Messages that were accepted alone and are not yet in their places. */
  accepted = 0;
  /** What the transaction under way accepts may wait there: it does nothing else. */
  acceptsOnly = false;
  /** Projects that are known to have no bound of messages a minute. What writes SQL of its own may change that, and clears it. */
  readonly unbounded = new Set<string>();
  // What the transaction under way will tell once it is durable.
  listened = false;
  events: CommitEvent[] = [];
  ready: string[] = [];
  asked: { msgid: number; worker: string }[] = [];

  constructor(writer: Connection, reader: Connection, clock: StoreClock) {
    this.writer = writer;
    this.reader = reader;
    this.clock = clock;
    this.ids = new IdIndex(writer);
    this.commits = new CommitRows(writer, this.ids);
    this.reload();
  }

  /** Forgets what a rolled back transaction had counted on. */
  reload(): void {
    this.commits.clear();
    this.held.backTo(0);
    this.#readCounters();
    this.#plans.clear();
    this.unbounded.clear();
    this.events = [];
    this.ready = [];
    this.asked = [];
  }

  #readCounters(): void {
    const { count, msgid } = waiting(this.writer);
    this.accepted = count;
    this.#lastMsgid = Math.max(lastMsgid(this.writer), msgid);
    this.ids.reload();
  }

  /** Keeps a transition for the listeners, if there are any. */
  note(message: Message, commits: readonly { readonly commit: Commit }[]): void {
    if (this.listened) this.events.push({ message, commits: commits.map(({ commit }) => commit) });
  }

  mark(): Mark {
    this.commits.flush();
    const { events, ready, asked, held } = this;
    return { events: events.length, ready: ready.length, asked: asked.length, held: held.mark() };
  }

  backTo(mark: Mark): void {
    this.events.length = mark.events;
    this.ready.length = mark.ready;
    this.asked.length = mark.asked;
    this.held.backTo(mark.held);
    this.commits.clear();
    this.#readCounters();
    this.#plans.clear();
    this.unbounded.clear();
  }

  nextMsgid(): number {
    return ++this.#lastMsgid;
  }

  /** The plan's hash; the plan is in the database when the transaction is. */
  keepPlan(plan: Plan): string {
    let known = this.#hashes.get(plan);
    if (known === undefined) {
      const body = canonical(plan);
      known = { hash: commitId(body), body };
      this.#hashes.set(plan, known);
    }
    if (!this.#plans.has(known.hash)) {
      this.writer.run('INSERT OR IGNORE INTO plans VALUES (?, ?)', known.hash, known.body);
      this.#remember(known.hash, plan);
    }
    return known.hash;
  }

  planOf = (hash: string): Plan => {
    const known = this.#plans.get(hash);
    if (known !== undefined) return known;
    const body = this.writer.get<{ body: string }>('SELECT body FROM plans WHERE hash = ?', hash)?.body;
    invariant(body !== undefined, `plan ${hash} is not in the store`);
    const plan = JSON.parse(body) as Plan;
    this.#hashes.set(plan, { hash, body });
    this.#remember(hash, plan);
    return plan;
  };

  #remember(hash: string, plan: Plan): void {
    if (this.#plans.size >= PLANS_MAX) this.#plans.clear();
    this.#plans.set(hash, plan);
  }
}
