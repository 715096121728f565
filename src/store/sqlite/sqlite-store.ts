import { invariant } from '../../errors/coax-error.ts';
import type { Commit } from '../../ledger/commit.ts';
import type { Message, Parameters, Plan, Status } from '../../message/message.ts';
import type {
  Accepted,
  Allocation,
  AllocationQuery,
  Capabilities,
  Claim,
  ClaimRef,
  ClaimRequest,
  CommitEvent,
  CommitRange,
  ExtendAnswer,
  MessageQuery,
  Store,
  StoreScan,
  StoreTx,
  Submission,
  Write,
  WriteAnswer,
} from '../store.ts';
import type { Timers } from '../timers.ts';
import { Checkpoints } from './checkpoint/checkpoints.ts';
import type { Engine } from './engine.ts';
import { isPassing } from './sqlite-error.ts';
import { queryAllocations, SqliteTx } from './sqlite-tx.ts';
import { hideAccepted, SETTLE_AT, settleAccepted, showAccepted } from './statements/accepted.ts';
import {
  claim,
  countQueued,
  expireLeases,
  extend,
  readyAddresses,
  release,
  releaseWorker,
} from './statements/claim.ts';
import { keepLastMsgid } from './statements/last-msgid.ts';
import {
  countAwaiting,
  readCommits,
  readCommitsByPrefix,
  readCounts,
  readCountsOf,
  readMessage,
  readMessages,
  readParametersAt,
} from './statements/read.ts';
import { openScan } from './statements/scan.ts';
import { submit } from './statements/submit.ts';
import { isCurrent, refused, settleAll, writeClaimed } from './statements/write.ts';
import { WriteQueue } from './write-queue.ts';

const IDLE_MS = 50;
/** More that are accepted together share the pages that they write. */
const WAIT_MAX = 4;
/** With each so many of them it is looked how long the log is. */
const LOOK_AT = 16;

type Listener<T> = (value: T) => void;

/** The embedded engine. Writes go through one queue; reads see what is durable, on a connection of their own. */
export class SqliteStore implements Store {
  readonly capabilities: Capabilities = { engine: 'sqlite', shared: false, notifies: false };
  readonly #engine: Engine;
  readonly #timers: Timers;
  readonly #queue: WriteQueue;
  readonly #onClose: () => void;
  readonly #checkpoints: Checkpoints;
  readonly #ready = new Set<Listener<string>>();
  readonly #commits = new Set<Listener<readonly CommitEvent[]>>();
  readonly #asks = new Set<(msgid: number, worker: string) => void>();
  readonly #names = new Set<string>();
  #idle: (() => void) | undefined;
  #closed = false;
  /** What waits to be put in its places is shown where it lies. */
  #shown = false;

  constructor(engine: Engine, timers: Timers, onClose: () => void) {
    this.#timers = timers;
    this.#engine = engine;
    this.#onClose = onClose;
    this.#checkpoints = new Checkpoints(engine.writer.database, engine.writer.file);
    this.#queue = new WriteQueue(engine.writer, timers, {
      begins: accepts => {
        engine.acceptsOnly = accepts > 0 && accepts <= WAIT_MAX;
        if (engine.accepted > 0 && (!engine.acceptsOnly || engine.accepted >= SETTLE_AT)) this.#settle();
      },
      ending: () => engine.commits.flush(),
      between: items => {
        // What is accepted alone makes the log hardly longer.
        if (!engine.acceptsOnly || engine.accepted % LOOK_AT === 0) this.#checkpoints.between(items);
      },
      durable: () => {
        engine.held.keep();
        engine.ids.keep();
        this.#tell();
      },
      undone: () => engine.reload(),
      mark: () => engine.mark(),
      backTo: mark => engine.backTo(mark),
    });
    engine.reader.before = this.#beforeRead;
  }

  now(): number {
    return this.#engine.clock.now();
  }

  submit(batch: readonly Submission[]): Promise<readonly Accepted[]> {
    return this.#queue.enqueue(() => submit(this.#engine, batch, this.now(), this.#engine.unbounded), {
      savepoint: true,
      accepts: batch.length,
    });
  }

  /** A claim here waits for nothing: what is accepted is claimed. */
  offerAccepted(): () => void {
    return () => {};
  }

  claim(request: ClaimRequest): Promise<readonly Claim[]> {
    return this.#queue.enqueue(() => claim(this.#engine, request, this.now()), { durable: false });
  }

  extend(claims: readonly ClaimRef[], leaseMs: number): Promise<readonly ExtendAnswer[]> {
    return this.#queue.enqueue(() => extend(this.#engine, claims, this.now() + leaseMs), { durable: false });
  }

  write(write: Write): Promise<WriteAnswer> {
    const engine = this.#engine;
    if (!write.inTransaction) {
      const next = write.next(null);
      if (next instanceof Promise)
        return next.then(ready => this.#queue.enqueue(() => writeClaimed(engine, write, ready, this.now())));
      return this.#queue.enqueue(() => writeClaimed(engine, write, next, this.now()));
    }
    return this.#queue.enqueue(
      async () => {
        // A claim that is no longer current does not even begin: what the step writes and the message's move are one.
        if (!isCurrent(engine, write)) return refused(engine, write.claim);
        const now = this.now();
        const answer = writeClaimed(engine, write, await write.next(new SqliteTx(engine, now)), now);
        invariant(answer.kind === 'written', `message ${write.claim.msgid} was moved by its own step`);
        return answer;
      },
      { savepoint: true },
    );
  }

  release(claims: readonly ClaimRef[], begun: boolean, afterMs = 0): Promise<void> {
    return this.#queue.enqueue(
      () => release(this.#engine, claims, begun, afterMs > 0 ? this.now() + afterMs : 0),
      { durable: false },
    );
  }

  releaseWorker(worker: string): Promise<number> {
    return this.#queue.enqueue(() => releaseWorker(this.#engine, worker), { durable: false });
  }

  async expireLeases(): Promise<readonly string[]> {
    const { at } = this.#engine.reader.get<{ at: number | null }>(
      'SELECT min(lease_until) AS at FROM messages WHERE lease_until IS NOT NULL',
    ) ?? { at: null };
    if (at === null || at > this.now()) return [];
    return this.#queue.enqueue(() => expireLeases(this.#engine, this.now()), { durable: false });
  }

  async readyAddresses(): Promise<readonly string[]> {
    return readyAddresses(this.#engine.reader, this.now());
  }

  onReady(listener: (address: string, elsewhere: boolean) => void): () => void {
    return listen(this.#ready, listener);
  }

  onAsk(listener: (msgid: number, worker: string) => void): () => void {
    return listen(this.#asks, listener);
  }

  onCommit(listener: Listener<readonly CommitEvent[]>): () => void {
    const end = listen(this.#commits, listener);
    this.#engine.listened = true;
    return () => {
      end();
      this.#engine.listened = this.#commits.size > 0;
    };
  }

  jot(work: (db: Store['reader']) => Promise<void>): Promise<void> {
    return this.#queue.enqueue(
      () => {
        this.#engine.unbounded.clear();
        return work(this.#engine.writer.kysely);
      },
      { savepoint: true, durable: false },
    );
  }

  /** No other process can use the store, so nobody else can see or take a name. */
  async holdName(name: string): Promise<void> {
    this.#names.add(name);
  }

  async deadNames(names: readonly string[]): Promise<readonly string[]> {
    return names.filter(name => !this.#names.has(name));
  }

  transact<T>(work: (tx: StoreTx) => Promise<T>): Promise<T> {
    return this.#queue.enqueue(() => work(new SqliteTx(this.#engine, this.now())), { savepoint: true });
  }

  /** Here transactions come one after another. */
  transactBeside<T>(work: (tx: StoreTx) => Promise<T>): Promise<T> {
    return this.transact(work);
  }

  async message(msgid: number): Promise<Message | null> {
    return readMessage(this.#engine.reader, msgid, this.#engine.planOf);
  }

  async messages(query: MessageQuery): Promise<readonly Message[]> {
    return readMessages(this.#engine.reader, query, this.now(), this.#engine.planOf);
  }

  async counts(projects?: readonly string[]): Promise<Readonly<Record<Status, number>>> {
    const { reader } = this.#engine;
    return projects === undefined
      ? readCounts(reader, this.now())
      : readCountsOf(reader, projects, this.now());
  }

  async countAwaiting(projects?: readonly string[]): Promise<number> {
    return countAwaiting(this.#engine.reader, projects);
  }

  async queued(atMost: number, project?: string): Promise<number> {
    return countQueued(this.#engine.reader, atMost, project);
  }

  async commits(msgid: number, range: CommitRange = {}): Promise<readonly Commit[]> {
    return readCommits(this.#engine.reader, msgid, range);
  }

  async commitsByPrefix(prefix: string, limit: number): Promise<readonly Commit[]> {
    return readCommitsByPrefix(this.#engine.reader, this.#engine.ids, prefix, limit);
  }

  async parametersAt(msgid: number, seq: number): Promise<Parameters | null> {
    return readParametersAt(this.#engine.reader, msgid, seq);
  }

  async plan(hash: string): Promise<Plan | null> {
    const row = this.#engine.reader.get<{ body: string }>('SELECT body FROM plans WHERE hash = ?', hash);
    return row === undefined ? null : (JSON.parse(row.body) as Plan);
  }

  async children(msgid: number): Promise<readonly Message[]> {
    return this.#engine.reader
      .all<{ msgid: number }>('SELECT msgid FROM messages WHERE parent_msgid = ? ORDER BY msgid', msgid)
      .flatMap(row => readMessage(this.#engine.reader, row.msgid, this.#engine.planOf) ?? []);
  }

  async allocations(query: AllocationQuery = {}): Promise<readonly Allocation[]> {
    return queryAllocations(this.#engine.reader, query);
  }

  get reader(): Store['reader'] {
    return this.#engine.reader.kysely;
  }

  scan(): StoreScan {
    return openScan(this.#engine.reader);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.drained();
    this.#idle?.();
    await this.#checkpoints.close();
    try {
      if (this.#engine.held.behind().length > 0) await this.#queue.enqueue(() => settleAll(this.#engine));
      await this.#queue.enqueue(() => keepLastMsgid(this.#engine.writer), { durable: false });
      this.#engine.writer.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // A full disk: everything is in the log, and the next start reads it from there.
    }
    this.#engine.reader.close();
    this.#engine.writer.close();
    this.#onClose();
  }

  /** Drops everything as the end of the process would, and finishes nothing. For tests of crashes. */
  abandon(): void {
    this.#closed = true;
    this.#idle?.();
    this.#checkpoints.abandon();
    this.#engine.reader.close();
    this.#engine.writer.close();
    this.#onClose();
  }

  /** Puts what was accepted alone in its places. Not inside a transaction. */
  #settle(): void {
    this.#queue.aside(() => settleAccepted(this.#engine.writer));
    this.#engine.accepted = 0;
  }

  /** Whoever reads finds all that was accepted. */
  readonly #beforeRead = (): void => {
    if (this.#engine.accepted > 0 || this.#shown) this.#settleToRead();
  };

  #settleToRead(): void {
    const { reader, accepted } = this.#engine;
    reader.before = undefined;
    try {
      if (accepted > 0) this.#settle();
      if (this.#shown) hideAccepted(reader);
      this.#shown = false;
    } catch (error) {
      if (!isPassing(error)) throw error;
      // A full disk: they are shown where they lie.
      if (!this.#shown) showAccepted(reader);
      this.#shown = true;
    } finally {
      reader.before = this.#beforeRead;
    }
  }

  #tell(): void {
    const engine = this.#engine;
    if (engine.ready.length > 0) {
      const addresses = new Set(engine.ready);
      engine.ready = [];
      for (const address of addresses) for (const listener of this.#ready) listener(address);
    }
    if (engine.asked.length > 0) {
      for (const { msgid, worker } of engine.asked.splice(0))
        for (const listener of this.#asks) listener(msgid, worker);
    }
    if (engine.events.length > 0) {
      const events = engine.events;
      engine.events = [];
      for (const listener of this.#commits) listener(events);
    }
    if (engine.ids.behind > 0) this.#indexLater();
  }

  /** The index of ids grows when nothing else is to be done, or when the tail has become long. */
  #indexLater(): void {
    if (this.#engine.ids.isLong) {
      void this.#indexSoon();
    } else if (this.#idle === undefined) {
      const seen = this.#engine.ids.behind;
      this.#idle = this.#timers.after(
        IDLE_MS,
        () => {
          this.#idle = undefined;
          if (this.#closed) return;
          // Still busy: wait for a quieter moment.
          if (this.#engine.ids.behind === seen) void this.#indexSoon();
          else this.#indexLater();
        },
        true,
      );
    }
  }

  #indexing = false;
  async #indexSoon(): Promise<void> {
    if (this.#indexing || this.#closed) return;
    this.#indexing = true;
    try {
      await this.#queue.enqueue(() => this.#engine.ids.run(), { durable: false });
      this.#indexing = false;
    } catch {
      // A full disk: the tail stays searchable, and the next transaction tries again.
      this.#indexing = false;
      return;
    }
    // What the transaction told came while this run was under way: nobody else begins the next one if nothing more is written.
    if (this.#closed) return;
    if (this.#engine.ids.behind > 0) this.#indexLater();
    else this.#checkpoints.idle();
  }
}

function listen<T>(set: Set<T>, listener: T): () => void {
  set.add(listener);
  return () => set.delete(listener);
}
